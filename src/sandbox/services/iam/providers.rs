//! OpenID Connect providers.
//!
//! Source: IAM API reference, CreateOpenIDConnectProvider (limits of each member); IAM user guide, "IAM and AWS STS
//! quotas". Unlike IAM, the sandbox asks no provider for its certificate: thumbprints are those that are given.

use serde_json::json;

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    Call, done,
    input::check_length,
    model::{Provider, date, now},
    refuse,
};

const MOST: usize = 100;
const MOST_CLIENTS: usize = 100;
const MOST_THUMBPRINTS: usize = 5;

pub(super) fn missing(arn: &str) -> ServiceError {
    refuse::missing(format!("OpenIDConnect Provider not found for arn {arn}"))
}

fn arn<'a>(call: &'a Call<'_>) -> Result<&'a str, ServiceError> {
    call.input.need("OpenIDConnectProviderArn")
}

fn clients(clients: Vec<String>) -> Result<Vec<String>, ServiceError> {
    if clients.len() > MOST_CLIENTS {
        return Err(refuse::quota("ClientIdsPerOpenIdConnectProvider", MOST_CLIENTS));
    }
    clients.iter().try_for_each(|client| check_length("ClientIDList", client, 1, 255))?;
    Ok(clients)
}

fn thumbprints(call: &Call<'_>) -> Result<Vec<String>, ServiceError> {
    let all = call.input.texts("ThumbprintList");
    if all.len() > MOST_THUMBPRINTS {
        return Err(refuse::input(format!(
            "Thumbprint list must contain fewer than {MOST_THUMBPRINTS} entries."
        )));
    }
    if let Some(wrong) =
        all.iter().find(|print| print.len() != 40 || !print.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return Err(refuse::broken("thumbprintList", wrong, "have length 40 and be hexadecimal"));
    }
    Ok(all)
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    call.input.only(&["Url", "ClientIDList", "ThumbprintList", "Tags"])?;
    let url = call.input.need("Url")?;
    check_length("Url", url, 1, 255)?;
    let host = url.strip_prefix("https://").map(|host| host.trim_end_matches('/'));
    let plain =
        |host: &&str| !host.is_empty() && !host.starts_with('/') && !host.contains(['?', '#', '@', ':', ' ']);
    let host =
        host.filter(plain).ok_or_else(|| refuse::validation("Invalid Open ID Connect Provider URL"))?;
    let provider = Provider {
        arn: call.arn("oidc-provider", "/", host),
        url: host.to_owned(),
        clients: clients(call.input.texts("ClientIDList"))?,
        thumbprints: thumbprints(call)?,
        created: now(),
        tags: call.input.tags()?,
    };
    call.update(|account| {
        if account.providers.contains_key(&provider.arn) {
            return Err(refuse::exists(format!("Provider with url https://{host} already exists.")));
        }
        if account.providers.len() >= MOST {
            return Err(refuse::quota("OpenIdConnectProvidersPerAccount", MOST));
        }
        let shown = json!({ "OpenIDConnectProviderArn": provider.arn, "Tags": provider.tags });
        account.providers.insert(provider.arn.clone(), provider);
        Ok(shown)
    })
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    call.input.only(&["OpenIDConnectProviderArn"])?;
    let arn = arn(call)?;
    call.read(|account| {
        let provider = account.providers.get(arn).ok_or_else(|| missing(arn))?;
        Ok(json!({
            "Url": provider.url,
            "ClientIDList": provider.clients,
            "ThumbprintList": provider.thumbprints,
            "CreateDate": date(provider.created),
            "Tags": provider.tags,
        }))
    })
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.input.only(&[])?;
    let all: Vec<_> =
        call.read(|account| account.providers.keys().map(|arn| json!({ "Arn": arn })).collect());
    Ok(json!({ "OpenIDConnectProviderList": all }))
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.input.only(&["OpenIDConnectProviderArn"])?;
    let arn = arn(call)?;
    // One that is not there is gone, too. Source: API reference, DeleteOpenIDConnectProvider.
    done(call.update(|account| Ok(account.providers.remove(arn))))
}

/// Changes a provider that is there.
fn change(call: &Call<'_>, how: impl FnOnce(&mut Provider) -> Result<(), ServiceError>) -> Answer {
    let arn = arn(call)?;
    done(call.update(|account| how(account.providers.get_mut(arn).ok_or_else(|| missing(arn))?)))
}

pub(super) fn add_client(call: &Call<'_>) -> Answer {
    call.input.only(&["OpenIDConnectProviderArn", "ClientID"])?;
    let client = call.input.need("ClientID")?.to_owned();
    change(call, |provider| {
        if !provider.clients.contains(&client) {
            provider.clients.push(client);
        }
        provider.clients = clients(std::mem::take(&mut provider.clients))?;
        Ok(())
    })
}

pub(super) fn remove_client(call: &Call<'_>) -> Answer {
    call.input.only(&["OpenIDConnectProviderArn", "ClientID"])?;
    let client = call.input.need("ClientID")?;
    // One that is not there is no error.
    change(call, |provider| {
        provider.clients.retain(|there| there != client);
        Ok(())
    })
}

pub(super) fn thumbprint(call: &Call<'_>) -> Answer {
    call.input.only(&["OpenIDConnectProviderArn", "ThumbprintList"])?;
    let thumbprints = thumbprints(call)?;
    change(call, |provider| {
        provider.thumbprints = thumbprints;
        Ok(())
    })
}
