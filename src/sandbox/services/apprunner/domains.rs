//! Custom domains. There is no DNS and no certificate here: a domain waits for its validation, as one does whose records nobody has made.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::sandbox::{
    call::{Answer, ServiceError},
    world::World,
};

use super::{
    family::invalid,
    model::{DELETED, Service},
    page,
};

/// Most domains of a service. Source: App Runner developer guide, "Managing custom domain names".
const MOST: usize = 5;

/// Answers one operation about domains.
pub(super) fn handle(world: &Arc<World>, operation: &str, input: &Map<String, Value>) -> Answer {
    let text = |key: &str| {
        input.get(key).and_then(Value::as_str).ok_or_else(|| invalid(format!("{key} is required")))
    };
    let arn = text("ServiceArn")?;
    let missing = || ServiceError::client("ResourceNotFoundException", format!("{arn} does not exist"));
    let index = &world.apprunner.index;
    if operation == "DescribeCustomDomains" {
        return index.read(|index| {
            let service = index.services.get(arn).filter(|s| s.status != DELETED).ok_or_else(missing)?;
            let mut answer = page(input, "CustomDomains", &service.domains)?;
            about(service, &mut answer);
            Ok(answer)
        });
    }
    let name = text("DomainName")?;
    let label = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let bare = name.strip_prefix("*.").unwrap_or(name);
    if !bare.contains('.') || name.len() > 255 || !bare.split('.').all(label) {
        return Err(invalid(format!("{name} is not a domain name")));
    }
    index.update(|index| {
        let service = index.services.get_mut(arn).filter(|s| s.status != DELETED).ok_or_else(missing)?;
        let at = service.domains.iter().position(|domain| domain["DomainName"] == name);
        let domain = match (operation, at) {
            ("AssociateCustomDomain", Some(_)) => {
                return Err(invalid(format!("{name} is associated with this service already")));
            }
            ("AssociateCustomDomain", None) if service.domains.len() >= MOST => {
                return Err(invalid(format!("a service has at most {MOST} custom domains")));
            }
            ("AssociateCustomDomain", None) => {
                let www = input.get("EnableWWWSubdomain").and_then(Value::as_bool).unwrap_or(true);
                let domain = json!({
                    "DomainName": name, "EnableWWWSubdomain": www, "Status": "PENDING_CERTIFICATE_DNS_VALIDATION",
                    "CertificateValidationRecords": [record(arn, name)],
                });
                service.domains.push(domain.clone());
                // Only the answer to this call still says so.
                let mut creating = domain;
                creating["Status"] = json!("CREATING");
                creating
            }
            (_, Some(at)) => {
                let mut domain = service.domains.remove(at);
                domain["Status"] = json!("DELETING");
                domain
            }
            (_, None) => {
                let text = format!("{name} is not associated with this service");
                return Err(ServiceError::client("ResourceNotFoundException", text));
            }
        };
        let mut answer = json!({ "CustomDomain": domain });
        about(service, &mut answer);
        Ok(answer)
    })
}

/// What every answer about domains tells of the service.
fn about(service: &Service, answer: &mut Value) {
    answer["DNSTarget"] = json!(service.url);
    answer["ServiceArn"] = json!(service.arn);
    answer["VpcDNSTargets"] = json!([]);
}

/// The DNS record that would prove whose domain it is; the same for the same domain and service.
fn record(arn: &str, name: &str) -> Value {
    let digest = hex::encode(Sha256::digest(format!("{arn} {name}")));
    json!({
        "Name": format!("_{}.{}.", &digest[..32], name.trim_start_matches("*.")),
        "Type": "CNAME",
        "Value": format!("_{}.acm-validations.aws.", &digest[32..]),
        "Status": "PENDING_VALIDATION",
    })
}
