//! Whether tags of a repository move, and its own tags: said when it is made, and later.

use serde_json::{Value, json};

use crate::sandbox::{
    call::ServiceError,
    tags::{self, Tag},
};

use super::{api::invalid, store::Repository};

/// Most filters. Source: API reference, CreateRepository.
const FILTERS: usize = 5;

/// The word for whether tags move.
pub(super) fn mutability(repository: &Repository) -> &'static str {
    match (repository.immutable_tags, repository.exclusions.is_empty()) {
        (false, true) => "MUTABLE",
        (false, false) => "MUTABLE_WITH_EXCLUSION",
        (true, true) => "IMMUTABLE",
        (true, false) => "IMMUTABLE_WITH_EXCLUSION",
    }
}

pub(super) fn filters(repository: &Repository) -> Value {
    let filter = |text: &String| json!({ "filterType": "WILDCARD", "filter": text });
    repository.exclusions.iter().map(filter).collect()
}

pub(super) fn set_mutability(
    repository: &mut Repository,
    word: Option<&str>,
    filters: Vec<String>,
) -> Result<(), ServiceError> {
    let (immutable, excludes) = match word.unwrap_or("MUTABLE") {
        "MUTABLE" => (false, false),
        "MUTABLE_WITH_EXCLUSION" => (false, true),
        "IMMUTABLE" => (true, false),
        "IMMUTABLE_WITH_EXCLUSION" => (true, true),
        other => return Err(invalid(format!("Invalid parameter at 'imageTagMutability': '{other}'"))),
    };
    if excludes == filters.is_empty() || filters.len() > FILTERS {
        return Err(invalid("Invalid parameter at 'imageTagMutabilityExclusionFilters'"));
    }
    repository.immutable_tags = immutable;
    repository.exclusions = filters;
    Ok(())
}

pub(super) fn put_tags(repository: &mut Repository, new: Vec<Tag>) -> Result<(), ServiceError> {
    tags::check(&new).map_err(|error| ServiceError::client("InvalidTagParameterException", error.message))?;
    repository.tags.extend(new.into_iter().map(|tag| (tag.key, tag.value)));
    if repository.tags.len() > tags::MOST {
        return Err(ServiceError::client("TooManyTagsException", "a repository has at most 50 tags"));
    }
    Ok(())
}
