//! What the edge answers for: each name of each distribution, and what is to be done with a request to it.
//!
//! Invariant: it follows every change of a distribution or a function before that is acknowledged. It is made anew then,
//! so that a request is one look into a table.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use http::{HeaderName, HeaderValue, Method};
use sha2::{Digest as _, Sha256};

use crate::sandbox::policy::exactly;

use super::{DOMAIN, Store, distributions::Distribution, functions::Function, xml::Node};

/// Digest of the words of the paved router, which is the only code that the edge runs: it does in Rust what that says.
const ROUTER: &str = "15d5553fbe50d90d652187543fe1fcca4bf19a0760966ba3875de1a28325d3ac";

/// Whether code is the paved router. How it is indented, and where its lines end, does not matter.
pub fn is_router(code: &[u8]) -> bool {
    let text = String::from_utf8_lossy(code);
    let mut digest = Sha256::new();
    for word in text.split_whitespace() {
        digest.update(word.as_bytes());
        digest.update(b" ");
    }
    hex::encode(digest.finalize()) == ROUTER
}

/// A distribution as the edge knows it.
#[derive(Debug)]
pub struct Site {
    /// Whether it answers at all.
    pub is_enabled: bool,
    /// The path that stands for `/`, where there is one.
    pub root: Option<String>,
    /// The last one is for whatever the others are not for.
    ways: Vec<Way>,
}

/// A cache behaviour.
#[derive(Debug)]
pub struct Way {
    pattern: Option<String>,
    methods: Vec<Method>,
    /// What decides where a request goes.
    pub by: By,
    /// Host of the origin.
    pub origin: String,
    /// What the origin has before every path.
    pub prefix: String,
    /// What the origin is told beside what the viewer says.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What decides where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The behaviour's origin it is.
    Origin,
    /// The paved router, over the store of this name where its function has one.
    Router(Option<String>),
    /// Code that the sandbox does not run.
    Foreign,
}

impl Site {
    /// The behaviour for a path.
    pub fn way(&self, path: &str) -> Option<&Way> {
        self.ways.iter().find(|way| way.pattern.as_deref().is_none_or(|pattern| exactly(pattern, path)))
    }
}

impl Way {
    /// Whether it lets a method through.
    pub fn allows(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }
}

/// The sites by their names, in small letters.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    table: RwLock<HashMap<String, Arc<Site>>>,
    /// Held while a table is made, so that an older one never takes the place of a newer one.
    making: Mutex<()>,
}

impl Hosts {
    /// The site of a name, or of `*` in the place of its first label.
    pub fn find(&self, name: &str) -> Option<Arc<Site>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if table.is_empty() {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let wild = || table.get(&format!("*.{}", name.split_once('.')?.1));
        table.get(&name).or_else(wild).cloned()
    }

    /// Puts another table in the place of the one that is there.
    pub fn replace(&self, make: impl FnOnce() -> HashMap<String, Arc<Site>>) {
        let _turn = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let new = make();
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

fn by(behaviour: &Node, functions: &BTreeMap<String, Function>, stores: &BTreeMap<String, Store>) -> By {
    let mut associated = behaviour.items("FunctionAssociations").iter();
    let Some(one) = associated.find(|one| one.text("EventType") == "viewer-request") else {
        return By::Origin;
    };
    let arn = one.text("FunctionARN");
    let live =
        functions.values().find(|function| function.arn == arn).and_then(|function| function.live.as_ref());
    match live {
        Some(live) if is_router(&live.code()) => {
            let store = live.store().and_then(|arn| stores.values().find(|store| store.arn == arn));
            By::Router(store.map(|store| store.name.clone()))
        }
        _ => By::Foreign,
    }
}

fn way(
    behaviour: &Node,
    config: &Node,
    functions: &BTreeMap<String, Function>,
    stores: &BTreeMap<String, Store>,
) -> Option<Way> {
    let target = behaviour.text("TargetOriginId");
    let origin = config.items("Origins").iter().find(|origin| origin.text("Id") == target)?;
    let header = |one: &Node| {
        let name = HeaderName::from_bytes(one.text("HeaderName").as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(one.text("HeaderValue")).ok()?))
    };
    let pattern = behaviour.child("PathPattern").map(|pattern| match pattern.text.starts_with(['/', '*']) {
        true => pattern.text.clone(),
        false => format!("/{}", pattern.text),
    });
    let methods = behaviour.items("AllowedMethods").iter();
    Some(Way {
        pattern,
        methods: methods.filter_map(|method| Method::from_bytes(method.text.as_bytes()).ok()).collect(),
        by: by(behaviour, functions, stores),
        origin: origin.text("DomainName").to_owned(),
        prefix: origin.text("OriginPath").to_owned(),
        headers: origin.items("CustomHeaders").iter().filter_map(header).collect(),
    })
}

/// The table of all distributions.
pub(super) fn table(
    distributions: &BTreeMap<String, Distribution>,
    functions: &BTreeMap<String, Function>,
    stores: &BTreeMap<String, Store>,
) -> HashMap<String, Arc<Site>> {
    let mut table = HashMap::new();
    for distribution in distributions.values() {
        let config = &distribution.config;
        let ways = distribution.behaviours().filter_map(|one| way(one, config, functions, stores));
        let root = Some(config.text("DefaultRootObject")).filter(|root| !root.is_empty());
        let site = Arc::new(Site {
            is_enabled: config.is("Enabled"),
            root: root.map(|root| format!("/{root}")),
            ways: ways.collect(),
        });
        let own = format!("{}{DOMAIN}", distribution.label);
        for name in distribution.aliases().map(str::to_ascii_lowercase).chain([own]) {
            table.insert(name, Arc::clone(&site));
        }
    }
    table
}
