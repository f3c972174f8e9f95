# The stand-ins for base images, built by the script `bases`, which gives each target a context of its own and says what
# they are.
ARG SUITE=bookworm
FROM debian:${SUITE}-slim AS debian

# The packages of Google's "cc" image, unpacked and not installed, as there.
FROM debian AS unpacked
ARG SUITE
RUN apt-get update -qq && cd /tmp && case $SUITE in bookworm) ssl=libssl3 gcc=gcc-12-base ;; *) ssl=libssl3t64 gcc=gcc-14-base ;; esac \
    && apt-get download -qq base-files "$gcc" libc6 libgcc-s1 libgomp1 "$ssl" libstdc++6 media-types netbase tzdata \
    && mkdir /unpacked && for package in *.deb; do dpkg-deb --extract "$package" /unpacked; done
COPY ca-certificates.crt /unpacked/etc/ssl/certs/ca-certificates.crt
RUN cd /unpacked && rm -rf usr/share/doc usr/share/man usr/share/locale && mkdir -p home/nonroot && chown 65532:65532 home/nonroot && chmod 1777 tmp \
    && printf '%s:/sbin/nologin\n' root:x:0:0:root:/root nobody:x:65534:65534:nobody:/nonexistent nonroot:x:65532:65532:nonroot:/home/nonroot >etc/passwd \
    && printf '%s:\n' root:x:0 nobody:x:65534 nonroot:x:65532 >etc/group

FROM scratch AS distroless
COPY --from=unpacked /unpacked /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

FROM debian AS settings
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
COPY npmrc /usr/local/etc/npmrc

FROM settings AS node
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libstdc++6 >/dev/null && rm -rf /var/lib/apt/lists/*
COPY . /usr/local/
RUN cd /usr/local && rm -f ca-certificates.crt pip.conf npmrc && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node \
    && ln -s ../lib/node_modules/npm/bin/npm-cli.js bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js bin/npx \
    && ln -s ../lib/node_modules/corepack/dist/corepack.js bin/corepack && npm --version
CMD ["node"]

FROM settings AS python-libraries
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
    libbz2-1.0 libexpat1 libffi8 liblzma5 libncursesw6 libreadline8 libsqlite3-0 libssl3 libuuid1 zlib1g >/dev/null && rm -rf /var/lib/apt/lists/*

FROM python-libraries AS python-copied
COPY python /usr/local
RUN ldconfig && cd /usr/local/bin && rm -f pip* && ln -sf python3 python && python3 -m ensurepip && ln -sf pip3 pip && python3 -c 'import ctypes, sqlite3, ssl, zoneinfo, zlib, lzma, bz2'
CMD ["python3"]

# The newest patch release that Debian has of the version, from its source package.
FROM debian AS python-built
COPY version /version
RUN printf 'Types: deb-src\nURIs: http://deb.debian.org/debian\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' >/etc/apt/sources.list.d/source.sources \
    && apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential dpkg-dev libbz2-dev libffi-dev liblzma-dev libncurses-dev libreadline-dev libsqlite3-dev libssl-dev uuid-dev zlib1g-dev >/dev/null \
    && cd /tmp && apt-get source -qq --download-only "python$(cat /version)" && mkdir source && tar -xf python*.orig.tar.* -C source --strip-components 1 \
    && cd source && ./configure -q --with-ensurepip=no --disable-test-modules && make -s -j "$(nproc)" >/dev/null && make -s install DESTDIR=/built >/dev/null

FROM python-libraries AS python-compiled
COPY --from=python-built /built/usr/local /usr/local
RUN ldconfig && cd /usr/local/bin && ln -sf python3 python && python3 -m ensurepip && ln -sf pip3 pip && python3 -c 'import ctypes, sqlite3, ssl, zoneinfo, zlib, lzma, bz2'
CMD ["python3"]

FROM settings AS rust
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null && rm -rf /var/lib/apt/lists/*
COPY rust /usr/local
RUN cargo --version && rustc --version && cc --version
CMD ["bash"]
