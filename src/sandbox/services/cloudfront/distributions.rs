//! Distributions: made, described, changed, listed and removed.
//!
//! Invariants: a config comes back whole, with what it leaves out filled in; what it names is there. A change is deployed
//! a moment after it was made, which is a time that is kept, and so is not lost with the process; the edge follows at once.
//!
//! Sources: CloudFront API reference, CreateDistribution, UpdateDistribution, DeleteDistribution, DistributionConfig.

use std::{collections::BTreeMap, sync::Arc};

use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::sandbox::{
    call::{Caller, RawRequest, RawResponse, ServiceError},
    tags::Tag,
    world::World,
};

use super::{
    answer, body, config, defaults, fresh_etag, functions::Function, invalidations::Invalidation, now,
    pages::Page, refused, seen, stamp, tagging, target::Target, xml::Node,
};

/// How long a deployment takes, in seconds. On AWS it is some minutes.
const DEPLOYMENT: f64 = 1.0;

/// Most distributions of an account. Source: developer guide, "Quotas".
const MOST: usize = 500;

/// One distribution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Distribution {
    pub id: String,
    pub arn: String,
    /// First label of its own host name.
    pub label: String,
    etag: String,
    pub config: Node,
    modified: f64,
    /// When it is deployed, in seconds since the epoch.
    deployed: f64,
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// The newest is the last.
    #[serde(default)]
    pub invalidations: Vec<Invalidation>,
}

/// What a summary takes from a config. Source: API reference, DistributionSummary.
const SUMMARY: [&str; 15] = [
    "Aliases",
    "Origins",
    "OriginGroups",
    "DefaultCacheBehavior",
    "CacheBehaviors",
    "CustomErrorResponses",
    "Comment",
    "PriceClass",
    "Enabled",
    "ViewerCertificate",
    "Restrictions",
    "WebACLId",
    "HttpVersion",
    "IsIPV6Enabled",
    "Staging",
];

impl Distribution {
    /// The behaviours, each with its pattern; the default one has none.
    pub fn behaviours(&self) -> impl Iterator<Item = &Node> {
        self.config.items("CacheBehaviors").iter().chain(self.config.child("DefaultCacheBehavior"))
    }

    /// The functions that it uses, by their ARNs.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let of = |behaviour| Node::items(behaviour, "FunctionAssociations");
        self.behaviours().flat_map(of).map(|one| one.text("FunctionARN"))
    }

    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.config.items("Aliases").iter().map(|alias| alias.text.as_str())
    }

    fn is_deployed(&self) -> bool {
        now() >= self.deployed
    }

    fn head(&self, world: &World) -> Vec<Node> {
        // As App Runner's services have it: the sandbox's edge has a port of its own.
        let domain = format!("{}{}:{}", self.label, super::DOMAIN, world.addresses.edge.port());
        vec![
            Node::leaf("Id", &self.id),
            Node::leaf("ARN", &self.arn),
            Node::leaf("Status", if self.is_deployed() { "Deployed" } else { "InProgress" }),
            Node::leaf("LastModifiedTime", stamp(self.modified)),
            Node::leaf("DomainName", domain),
        ]
    }

    fn summary(&self, world: &World) -> Node {
        let mut members = self.head(world);
        members.push(Node::leaf("ETag", &self.etag));
        members.extend(SUMMARY.iter().filter_map(|name| self.config.child(name).cloned()));
        Node::branch("DistributionSummary", members)
    }

    fn answer(&self, world: &World, status: u16) -> RawResponse {
        let under_way = self.invalidations.iter().filter(|one| !one.is_done()).count();
        let none =
            |name| Node::branch(name, vec![Node::leaf("Enabled", "false"), Node::leaf("Quantity", "0")]);
        let mut members = self.head(world);
        members.push(Node::leaf("InProgressInvalidationBatches", under_way.to_string()));
        members.extend([none("ActiveTrustedSigners"), none("ActiveTrustedKeyGroups"), self.config.clone()]);
        answer(status, &Node::branch("Distribution", members)).with("etag", self.etag.clone())
    }
}

/// An id of capital letters and digits behind its first letter, as CloudFront's are.
pub(super) fn fresh_id(first: char) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut dice = rand::rng();
    let tail = (0..13).map(|_| char::from(LETTERS[dice.random_range(0..LETTERS.len())]));
    std::iter::once(first).chain(tail).collect()
}

/// Whether what a config names elsewhere is there, and is not another's.
fn fits(
    new: &Distribution,
    others: &BTreeMap<String, Distribution>,
    functions: &BTreeMap<String, Function>,
) -> Result<(), ServiceError> {
    for arn in new.functions() {
        let found = functions.values().find(|function| function.arn == arn);
        if found.is_none_or(|function| function.live.is_none()) {
            let text = format!("`{arn}` is not a function that is LIVE");
            return Err(refused(400, "InvalidFunctionAssociation", text));
        }
    }
    for alias in new.aliases() {
        let mut others = others.values().filter(|other| other.id != new.id);
        if others.any(|other| other.aliases().any(|theirs| theirs.eq_ignore_ascii_case(alias))) {
            let text = format!("{alias} is an alternate name of another distribution");
            return Err(refused(409, "CNAMEAlreadyExists", text));
        }
    }
    Ok(())
}

fn create(
    world: &World,
    mut given: Node,
    tags: Vec<Tag>,
    caller: &Caller,
) -> Result<RawResponse, ServiceError> {
    config::check(&given)?;
    defaults::fill(&mut given)?;
    let id = fresh_id('E');
    let distribution = Distribution {
        arn: format!("arn:aws:cloudfront::{}:distribution/{id}", caller.account),
        label: fresh_id('d').to_ascii_lowercase(),
        id,
        etag: fresh_etag(),
        config: given,
        modified: now(),
        deployed: now() + DEPLOYMENT,
        tags,
        invalidations: Vec::new(),
    };
    world.cloudfront.distributions.update(|all| {
        let reference = distribution.config.text("CallerReference");
        if let Some(first) = all.values().find(|one| one.config.text("CallerReference") == reference) {
            let text = format!("the caller reference {reference} is that of the distribution {}", first.id);
            return Err(refused(409, "DistributionAlreadyExists", text));
        }
        if all.len() >= MOST {
            let text = format!("an account has at most {MOST} distributions");
            return Err(refused(400, "TooManyDistributions", text));
        }
        world.cloudfront.functions.read(|functions| fits(&distribution, all, functions))?;
        all.insert(distribution.id.clone(), distribution.clone());
        Ok(())
    })?;
    let location = format!("/2020-05-31/distribution/{}", distribution.id);
    Ok(distribution.answer(world, 201).with("location", location))
}

fn update(world: &World, request: &RawRequest, id: &str) -> Result<RawResponse, ServiceError> {
    let mut given = body(request)?;
    config::check(&given)?;
    defaults::fill(&mut given)?;
    world.cloudfront.distributions.update(|all| {
        let there = all.get(id).ok_or_else(|| missing(id))?;
        seen(request, &there.etag)?;
        if there.config.text("CallerReference") != given.text("CallerReference") {
            return Err(refused(
                400,
                "IllegalUpdate",
                "the caller reference of a distribution does not change",
            ));
        }
        let new = Distribution {
            etag: fresh_etag(),
            config: given,
            modified: now(),
            deployed: now() + DEPLOYMENT,
            ..there.clone()
        };
        world.cloudfront.functions.read(|functions| fits(&new, all, functions))?;
        let answer = new.answer(world, 200);
        all.insert(id.to_owned(), new);
        Ok(answer)
    })
}

pub(super) fn missing(id: &str) -> ServiceError {
    refused(404, "NoSuchDistribution", format!("the distribution {id} does not exist"))
}

/// Answers an operation about distributions.
pub(super) fn handle(
    world: &Arc<World>,
    request: &RawRequest,
    target: &Target,
    caller: &Caller,
) -> Result<RawResponse, ServiceError> {
    let distributions = &world.cloudfront.distributions;
    let id = target.name();
    match target.operation {
        "CreateDistribution" => create(world, body(request)?, Vec::new(), caller),
        "CreateDistributionWithTags" => {
            let input = body(request)?;
            let given = input.child("DistributionConfig").cloned();
            let given =
                given.ok_or_else(|| refused(400, "InvalidArgument", "DistributionConfig is required"))?;
            create(world, given, tagging::read(input.child("Tags"))?, caller)
        }
        "ListDistributions" => {
            let all = distributions
                .read(|all| all.values().map(|one| (one.id.clone(), one.summary(world))).collect());
            Ok(answer(200, &Page::of(request, all)?.marked("DistributionList")))
        }
        "GetDistribution" => {
            distributions.read(|all| all.get(id).map(|one| one.answer(world, 200))).ok_or_else(|| missing(id))
        }
        "GetDistributionConfig" => distributions
            .read(|all| all.get(id).map(|one| answer(200, &one.config).with("etag", one.etag.clone())))
            .ok_or_else(|| missing(id)),
        "UpdateDistribution" => update(world, request, id),
        _ => distributions.update(|all| {
            let there = all.get(id).ok_or_else(|| missing(id))?;
            seen(request, &there.etag)?;
            if there.config.is("Enabled") || !there.is_deployed() {
                let text = "the distribution has not been disabled, or is not deployed as disabled yet";
                return Err(refused(409, "DistributionNotDisabled", text));
            }
            all.remove(id);
            Ok(RawResponse::new(204, "text/xml", ""))
        }),
    }
}
