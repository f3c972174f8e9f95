# The stand-ins for base images, built by the script `bases`, which gives each target a context of its own and says what
# they are.
ARG SUITE=bookworm
FROM debian:${SUITE}-slim AS debian

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
RUN sed -n 's/^deb \([^ ]*\) [^ /]* main$/deb-src \1 trixie main/p' /etc/apt/sources.list | head -n 1 >/etc/apt/sources.list.d/source.list \
    && apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential dpkg-dev libbz2-dev libffi-dev liblzma-dev libncurses-dev libreadline-dev libsqlite3-dev libssl-dev uuid-dev zlib1g-dev >/dev/null \
    && cd /tmp && apt-get source -qq --download-only "python$(cat /version)" && mkdir source && tar -xf python*.orig.tar.xz -C source --strip-components 1 \
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

# Programs, and only they, are linked statically, as every one is on Alpine; Cargo's question what rustc can do is no program.
# `apk add` brings what tests start, from Debian and by the name it has there; the rest that Alpine has to add is here.
FROM rust AS rust-alpine
RUN printf '%s\n' '#!/bin/sh' 'set -e' 'packages=' \
        'for word in "$@"; do case $word in' \
        'postgresql) packages="$packages postgresql" ;;' \
        'redis) packages="$packages redis-server" ;;' \
        'esac; done' \
        'test -n "$packages" || exit 0' \
        'apt-get update -qq' \
        'DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null' \
        'rm -rf /var/lib/apt/lists/*' >/usr/local/bin/apk \
    && printf '%s\n' '#!/bin/sh' 'case " $* " in' \
        '*" --crate-name ___ "*) ;;' \
        '*" --crate-type bin "* | *" --test "*) set -- "$@" -C target-feature=+crt-static ;;' \
        'esac' 'exec "$@"' >/usr/local/bin/static-programs \
    && chmod +x /usr/local/bin/apk /usr/local/bin/static-programs
ENV RUSTC_WRAPPER=/usr/local/bin/static-programs
