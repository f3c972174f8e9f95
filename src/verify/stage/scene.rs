//! One experiment's own surroundings: a proxy per dependency, a database of its own, the service in the middle.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    spec::types::{Dependency, DependencyKind, Spec},
    verify::{
        client::{Answer, Caller, NoAnswer, PATIENCE},
        report::{Miss, broken},
        requests::{Call, Requests, filled},
        subject::{Running, Subject},
    },
};

use super::{
    backing::{Backing, CLOUD_NAME},
    database::DatabaseError,
    proxy::{Fault, Proxy},
};

/// What all experiments on one service share.
pub struct Bench {
    /// What it is.
    pub spec: Spec,
    /// How it is spoken with.
    pub requests: Requests,
    /// How it is started.
    pub subject: Subject,
    /// What stands behind its dependencies.
    pub backing: Backing,
    /// A database with the schema, from which each scene's own is copied.
    pub template: Option<String>,
}

/// How a scene differs from a healthy one.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Variables of the service.
    pub variables: Vec<(&'static str, String)>,
    /// Every dependency is down when the service starts.
    pub absent: bool,
}

impl Setup {
    /// A healthy scene with these variables.
    pub fn with(variables: &[(&'static str, String)]) -> Self {
        Self { variables: variables.to_vec(), absent: false }
    }
}

/// A service that runs among its proxies.
pub struct Scene<'a> {
    /// What it came from.
    pub bench: &'a Bench,
    /// The service.
    pub running: Running,
    /// A caller of it.
    pub caller: Caller,
    /// Its variables.
    pub variables: BTreeMap<String, String>,
    proxies: BTreeMap<String, Arc<Proxy>>,
}

impl From<DatabaseError> for Miss {
    fn from(error: DatabaseError) -> Self {
        Self::NotRun(error.to_string())
    }
}

impl Bench {
    /// Variables and proxies for a scene whose service is not started.
    pub(in crate::verify) async fn surroundings(
        &self,
        setup: &Setup,
    ) -> Result<(BTreeMap<String, String>, BTreeMap<String, Arc<Proxy>>), Miss> {
        let mut variables = BTreeMap::new();
        let mut proxies: BTreeMap<String, Arc<Proxy>> = BTreeMap::new();
        let mut by_kind: Vec<(DependencyKind, Arc<Proxy>)> = Vec::new();
        let fault = if setup.absent { Fault::Down } else { Fault::None };
        for dependency in &self.spec.dependencies {
            let kind = dependency.kind;
            // The SDKs take one address for a whole AWS service, so its dependencies share a proxy.
            let shared = by_kind.iter().find(|(other, _)| *other == kind && aws_endpoint(kind).is_some());
            let proxy = if let Some((_, proxy)) = shared {
                Arc::clone(proxy)
            } else {
                let target = self
                    .backing
                    .target(kind)
                    .ok_or_else(|| Miss::NotRun(format!("nothing stands behind {}", dependency.name)))?;
                Arc::new(Proxy::start(target, fault).await?)
            };
            self.variables_of(dependency, proxy.address, &mut variables).await?;
            by_kind.push((kind, Arc::clone(&proxy)));
            proxies.insert(dependency.name.clone(), proxy);
        }
        if by_kind.iter().any(|(kind, _)| aws_endpoint(*kind).is_some()) {
            variables.extend(self.backing.credentials.clone());
        }
        // Short, so that recovery can be seen; the service's own limits are experiments' to set.
        variables.insert("CIRCUIT_OPEN_MS".to_owned(), "1000".to_owned());
        for (name, value) in &setup.variables {
            variables.insert((*name).to_owned(), value.clone());
        }
        Ok((variables, proxies))
    }

    async fn variables_of(
        &self,
        dependency: &Dependency,
        proxy: SocketAddr,
        variables: &mut BTreeMap<String, String>,
    ) -> Result<(), Miss> {
        let mut set = |suffix: &str, value: String| {
            variables.insert(dependency.variable(suffix), value);
        };
        match dependency.kind {
            DependencyKind::Http => set("URL", format!("http://{proxy}")),
            DependencyKind::Redis => {
                let server = self.backing.cache.as_ref();
                let server = server.ok_or_else(|| Miss::NotRun("there is no cache server".to_owned()))?;
                set("URL", server.url(proxy));
            }
            DependencyKind::Postgres => {
                let Some(server) = &self.backing.database else {
                    return Err(Miss::NotRun("there is no database server".to_owned()));
                };
                let name = server.create(self.template.as_deref()).await?;
                set("URL", server.url(&name, proxy.port()));
            }
            DependencyKind::S3 => set("BUCKET", CLOUD_NAME.to_owned()),
            DependencyKind::Dynamodb => set("TABLE", CLOUD_NAME.to_owned()),
            DependencyKind::Sqs => {
                set("QUEUE_URL", format!("http://{proxy}/{}/{CLOUD_NAME}", self.backing.account));
            }
            DependencyKind::Bedrock => {}
        }
        if let Some(name) = aws_endpoint(dependency.kind) {
            variables.insert(name.to_owned(), format!("http://{proxy}"));
        }
        Ok(())
    }

    /// Starts the service in surroundings of its own.
    ///
    /// # Errors
    /// [`Miss::Broken`] when it does not come up.
    pub async fn scene(&self, setup: &Setup) -> Result<Scene<'_>, Miss> {
        let (variables, proxies) = self.surroundings(setup).await?;
        let running = self.subject.start(&variables).await?;
        let caller = Caller::new(&running.base)?;
        Ok(Scene { bench: self, running, caller, variables, proxies })
    }

    /// The dependency of this name.
    pub fn dependency(&self, name: &str) -> Option<&Dependency> {
        self.spec.dependencies.iter().find(|dependency| dependency.name == name)
    }
}

/// The standard variable in which an AWS SDK looks for the address of a service.
fn aws_endpoint(kind: DependencyKind) -> Option<&'static str> {
    match kind {
        DependencyKind::S3 => Some("AWS_ENDPOINT_URL_S3"),
        DependencyKind::Dynamodb => Some("AWS_ENDPOINT_URL_DYNAMODB"),
        DependencyKind::Sqs => Some("AWS_ENDPOINT_URL_SQS"),
        DependencyKind::Bedrock => Some("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        DependencyKind::Http | DependencyKind::Postgres | DependencyKind::Redis => None,
    }
}

/// A text that no other request of this run has.
pub fn unique() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("verify-{:08x}-{}", rand::random::<u32>(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Scene<'_> {
    /// The proxy before a dependency.
    pub fn proxy(&self, dependency: &str) -> Result<&Proxy, Miss> {
        let proxy = self.proxies.get(dependency);
        proxy.map(Arc::as_ref).ok_or_else(|| Miss::NotRun(format!("no proxy stands before {dependency}")))
    }

    /// The other dependencies, as long as none of their calls goes through this one.
    pub fn others(&self, dependency: &str) -> Vec<String> {
        let of = |name: &str| self.bench.dependency(name).map(|one| one.kind);
        // The store stands behind most requests, and one proxy before all that is on AWS.
        let apart = |name: &str| of(name) == Some(DependencyKind::Http);
        let names = self.proxies.keys().filter(|name| name.as_str() != dependency && apart(name));
        if apart(dependency) || of(dependency) == Some(DependencyKind::Redis) {
            names.cloned().collect()
        } else {
            Vec::new()
        }
    }

    /// Breaks or heals every dependency.
    pub fn set_all(&self, fault: Fault) {
        for proxy in self.proxies.values() {
            proxy.set(fault);
        }
    }

    /// GET of a path.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.caller.send("GET", path, &[], "", PATIENCE).await
    }

    /// Sends a call of `verify.toml`; one that may change something carries an `Idempotency-Key` of its own.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn call(
        &self,
        call: &Call,
        created: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, NoAnswer> {
        let unique = unique();
        let path = call.request.path.replace("{created}", created);
        let mut headers = headers.to_vec();
        let body = match (&call.body, &call.text) {
            (Some(json), _) => {
                headers.push(("content-type", "application/json"));
                filled(json, created, &unique).to_string()
            }
            (None, Some(text)) => {
                headers.push(("content-type", "text/plain"));
                text.replace("{unique}", &unique)
            }
            (None, None) => String::new(),
        };
        if call.request.method == "POST" {
            headers.push(("idempotency-key", &unique));
        }
        self.caller.send(&call.request.method, &path, &headers, body, PATIENCE).await
    }

    /// The service's harmless request.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn read(&self) -> Result<Answer, NoAnswer> {
        self.call(&self.bench.requests.read, "", &[]).await
    }

    /// Sends the service's write with this key and text.
    ///
    /// # Errors
    /// [`Miss::NotRun`] when the service has none; [`Miss::Broken`] without an answer.
    pub async fn write(&self, key: &str, unique: &str) -> Result<Answer, Miss> {
        let write = self.bench.requests.write.as_ref();
        let write = write.ok_or_else(|| Miss::NotRun("verify.toml names no write".to_owned()))?;
        let body = filled(&write.body, "", unique).to_string();
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let line = &write.request;
        Ok(self.caller.send(&line.method, &line.path, &headers, body, PATIENCE).await?)
    }

    /// Sends the service's write with this key and text once for each text member of its body, with that member changed.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_changed(&self, key: &str, unique: &str) -> Result<Vec<(String, Answer)>, Miss> {
        let write = self.bench.requests.write.as_ref();
        let write = write.ok_or_else(|| Miss::NotRun("verify.toml names no write".to_owned()))?;
        let body = filled(&write.body, "", unique);
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let mut answers = Vec::new();
        for (member, value) in body.as_object().into_iter().flatten() {
            let Some(text) = value.as_str() else { continue };
            let mut changed = body.clone();
            changed[member] = format!("{text}!").into();
            let line = &write.request;
            let answer =
                self.caller.send(&line.method, &line.path, &headers, changed.to_string(), PATIENCE).await?;
            answers.push((member.clone(), answer));
        }
        Ok(answers)
    }

    /// Makes something and returns where it is.
    ///
    /// # Errors
    /// [`Miss`] when that fails.
    pub async fn created(&self) -> Result<String, Miss> {
        let answer = self.write(&unique(), &unique()).await?;
        if !answer.ok() {
            return broken(format!("a write while all is well was answered {}", answer.brief()));
        }
        match answer.header("location") {
            "" => broken("a write was answered without a Location"),
            place => Ok(place.to_owned()),
        }
    }

    /// A place for the calls of a dependency, made and prepared if they need one.
    ///
    /// # Errors
    /// [`Miss`] when that fails while all is well.
    pub async fn prepared(&self, dependency: &str) -> Result<String, Miss> {
        let reach = &self.bench.requests.dependencies[dependency];
        let mentioned = |call: &Call| call.request.path.contains("{created}");
        let needs = mentioned(&reach.call) || reach.prepare.as_ref().is_some_and(mentioned);
        let created = if needs { self.created().await? } else { String::new() };
        if let Some(prepare) = &reach.prepare {
            let answer = self.call(prepare, &created, &[]).await?;
            if !answer.ok() {
                let line = &prepare.request;
                return broken(format!("{} {} was answered {}", line.method, line.path, answer.brief()));
            }
        }
        Ok(created)
    }

    /// Calls a dependency through the service.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn reach(&self, dependency: &str, created: &str) -> Result<Answer, NoAnswer> {
        self.call(&self.bench.requests.dependencies[dependency].call, created, &[]).await
    }
}
