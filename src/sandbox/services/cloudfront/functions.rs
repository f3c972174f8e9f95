//! Functions: made and changed at DEVELOPMENT, published to LIVE, where distributions use them.
//!
//! Invariant: what is LIVE is what DEVELOPMENT was when it was published. Their code is kept and not run; what the edge
//! does for a distribution with a function is said in `sandbox/edge`.
//!
//! Sources: CloudFront API reference; developer guide, "Quotas on CloudFront Functions" and "Restrictions on CloudFront Functions".

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::sandbox::{
    call::{Caller, RawRequest, RawResponse, ServiceError},
    tags::Tag,
    world::World,
};

use super::{
    Store, answer, body, fresh_etag, now,
    pages::Page,
    refused, seen, stamp, tagging,
    target::{Target, query},
    xml::Node,
};

/// Longest code, in bytes.
const CODE: usize = 10 * 1024;

/// Most functions of an account.
const MOST: usize = 100;

/// Longest comment. Source: API reference, FunctionConfig.
const COMMENT: usize = 128;

/// One function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Function {
    pub name: String,
    pub arn: String,
    created: f64,
    pub development: Version,
    pub live: Option<Version>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// What it is at one stage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    etag: String,
    config: Node,
    /// In Base64.
    code: String,
    modified: f64,
}

impl Version {
    /// The store that it reads, by its ARN.
    pub fn store(&self) -> Option<&str> {
        let stores = self.config.items("KeyValueStoreAssociations");
        stores.first().map(|store| store.text("KeyValueStoreARN"))
    }

    /// The code itself.
    pub fn code(&self) -> Vec<u8> {
        STANDARD.decode(&self.code).unwrap_or_default()
    }
}

impl Function {
    /// Whether it reads a store, at either stage.
    pub fn uses(&self, store: &str) -> bool {
        [Some(&self.development), self.live.as_ref()]
            .into_iter()
            .flatten()
            .any(|at| at.store() == Some(store))
    }

    fn at(&self, stage: Stage) -> Option<&Version> {
        match stage {
            Stage::Development => Some(&self.development),
            Stage::Live => self.live.as_ref(),
        }
    }

    fn shown(&self, stage: Stage, is_used: bool) -> Option<Node> {
        let version = self.at(stage)?;
        let same =
            |live: &Version| live.code == self.development.code && live.config == self.development.config;
        let status = match (self.live.as_ref().is_some_and(same) || stage == Stage::Live, is_used) {
            (false, _) => "UNPUBLISHED",
            (true, false) => "UNASSOCIATED",
            (true, true) => "DEPLOYED",
        };
        let metadata = vec![
            Node::leaf("FunctionARN", &self.arn),
            Node::leaf("Stage", stage.word()),
            Node::leaf("CreatedTime", stamp(self.created)),
            Node::leaf("LastModifiedTime", stamp(version.modified)),
        ];
        Some(Node::branch(
            "FunctionSummary",
            vec![
                Node::leaf("Name", &self.name),
                Node::leaf("Status", status),
                version.config.clone(),
                Node::branch("FunctionMetadata", metadata),
            ],
        ))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Development,
    Live,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::Development => "DEVELOPMENT",
            Self::Live => "LIVE",
        }
    }

    fn asked(request: &RawRequest) -> Result<Option<Self>, ServiceError> {
        match query(request, "Stage").as_deref() {
            None => Ok(None),
            Some("DEVELOPMENT") => Ok(Some(Self::Development)),
            Some("LIVE") => Ok(Some(Self::Live)),
            Some(other) => Err(invalid(format!("`{other}` is not a stage"))),
        }
    }
}

fn invalid(text: impl Into<String>) -> ServiceError {
    refused(400, "InvalidArgument", text)
}

fn missing(name: &str) -> ServiceError {
    refused(404, "NoSuchFunctionExists", format!("the function {name} does not exist"))
}

/// Reads what a function is to be at DEVELOPMENT.
fn version<'a>(input: &Node, mut stores: impl Iterator<Item = &'a Store>) -> Result<Version, ServiceError> {
    let config = input.child("FunctionConfig").ok_or_else(|| invalid("FunctionConfig is required"))?;
    let comment = config.child("Comment").ok_or_else(|| invalid("FunctionConfig needs a Comment"))?;
    if comment.text.chars().count() > COMMENT {
        return Err(invalid(format!("a comment has at most {COMMENT} characters")));
    }
    let runtime = config.text("Runtime");
    if !["cloudfront-js-1.0", "cloudfront-js-2.0"].contains(&runtime) {
        return Err(invalid(format!("`{runtime}` is not a runtime of functions")));
    }
    super::config::quantities(config)?;
    let associated = config.items("KeyValueStoreAssociations");
    if associated.len() > 1 {
        return Err(invalid("a function is associated with one key value store at most"));
    }
    if let Some(one) = associated.first() {
        let arn = one.text("KeyValueStoreARN");
        if runtime == "cloudfront-js-1.0" {
            return Err(invalid("key value stores are read with the runtime cloudfront-js-2.0"));
        }
        if !stores.any(|store| store.arn == arn) {
            return Err(invalid(format!("the key value store {arn} does not exist")));
        }
    }
    let text: String = input.text("FunctionCode").split_ascii_whitespace().collect();
    let code = STANDARD.decode(&text).map_err(|error| invalid(format!("FunctionCode: {error}")))?;
    match code.len() {
        0 => Err(invalid("FunctionCode is required")),
        1..=CODE => Ok(Version { etag: fresh_etag(), config: config.clone(), code: text, modified: now() }),
        _ => Err(refused(413, "FunctionSizeLimitExceeded", format!("code has at most {CODE} bytes"))),
    }
}

fn summary(
    status: u16,
    function: &Function,
    stage: Stage,
    is_used: bool,
) -> Result<RawResponse, ServiceError> {
    let (shown, version) =
        function.shown(stage, is_used).zip(function.at(stage)).ok_or_else(|| missing(&function.name))?;
    Ok(answer(status, &shown).with("etag", version.etag.clone()))
}

fn create(world: &World, request: &RawRequest, caller: &Caller) -> Result<RawResponse, ServiceError> {
    let input = body(request)?;
    let name = input.text("Name").to_owned();
    if !super::is_name(&name) {
        return Err(invalid(format!("`{name}` is not a name for a function")));
    }
    let tags = tagging::read(input.child("Tags"))?;
    world.cloudfront.functions.update(|functions| {
        if functions.contains_key(&name) {
            let text = format!("the function {name} already exists");
            return Err(refused(409, "FunctionAlreadyExists", text));
        }
        if functions.len() >= MOST {
            return Err(refused(400, "TooManyFunctions", format!("an account has at most {MOST} functions")));
        }
        let development = world.cloudfront.stores.read(|stores| version(&input, stores.values()))?;
        let arn = format!("arn:aws:cloudfront::{}:function/{name}", caller.account);
        let function = Function { name: name.clone(), arn, created: now(), development, live: None, tags };
        let answer = summary(201, &function, Stage::Development, false)?;
        functions.insert(name.clone(), function);
        Ok(answer.with("location", format!("/2020-05-31/function/{name}")))
    })
}

/// Answers an operation about functions.
pub(super) fn handle(
    world: &Arc<World>,
    request: &RawRequest,
    target: &Target,
    caller: &Caller,
) -> Result<RawResponse, ServiceError> {
    let state = &world.cloudfront;
    let name = target.name();
    let used = state.used_functions();
    let is_used = |function: &Function| used.contains(&function.arn);
    match target.operation {
        "CreateFunction" => create(world, request, caller),
        "ListFunctions" => {
            let asked = Stage::asked(request)?;
            let stages = [Stage::Development, Stage::Live]
                .into_iter()
                .filter(|stage| asked.is_none_or(|a| a == *stage));
            let mut all: Vec<(String, Node)> = state.functions.read(|functions| {
                let of = |stage: Stage| {
                    functions.values().filter_map(move |function| {
                        // A colon is in no name.
                        let key = match stage {
                            Stage::Development => function.name.clone(),
                            Stage::Live => format!("{}:LIVE", function.name),
                        };
                        Some((key, function.shown(stage, is_used(function))?))
                    })
                };
                stages.flat_map(of).collect()
            });
            all.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(answer(200, &Page::of(request, all)?.plain("FunctionList")))
        }
        "DescribeFunction" | "GetFunction" => {
            let stage = Stage::asked(request)?.unwrap_or(Stage::Development);
            state.functions.read(|functions| {
                let function = functions.get(name).ok_or_else(|| missing(name))?;
                if target.operation == "DescribeFunction" {
                    return summary(200, function, stage, is_used(function));
                }
                let version = function.at(stage).ok_or_else(|| missing(name))?;
                let code = RawResponse::new(200, "application/octet-stream", version.code());
                Ok(code.with("etag", version.etag.clone()))
            })
        }
        "UpdateFunction" => {
            let input = body(request)?;
            state.functions.update(|functions| {
                let function = functions.get_mut(name).ok_or_else(|| missing(name))?;
                seen(request, &function.development.etag)?;
                function.development = state.stores.read(|stores| version(&input, stores.values()))?;
                let answer = summary(200, function, Stage::Development, is_used(function))?;
                // This one operation spells its header so. Source: CloudFront API reference, UpdateFunction.
                Ok(answer.with("ettag", function.development.etag.clone()))
            })
        }
        "PublishFunction" => state.functions.update(|functions| {
            let function = functions.get_mut(name).ok_or_else(|| missing(name))?;
            seen(request, &function.development.etag)?;
            function.live = Some(Version { modified: now(), ..function.development.clone() });
            summary(200, function, Stage::Live, is_used(function))
        }),
        // Whoever makes a distribution holds on to the distributions while looking at the functions, in the same order.
        _ => state.distributions.read(|distributions| {
            state.functions.update(|functions| {
                let function = functions.get(name).ok_or_else(|| missing(name))?;
                seen(request, &function.development.etag)?;
                if distributions.values().any(|one| one.functions().any(|arn| arn == function.arn)) {
                    let text = format!("the function {name} is associated with a distribution");
                    return Err(refused(409, "FunctionInUse", text));
                }
                functions.remove(name);
                Ok(RawResponse::new(204, "text/xml", ""))
            })
        }),
    }
}
