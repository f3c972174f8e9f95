//! Lifecycle policies: which images of a repository they expire.
//!
//! Source: ECR user guide, "Lifecycle policy properties" and "How the lifecycle policy works".

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::store::{Image, Repository, matches};

/// Most rules. Source: ECR quotas, "Rules per lifecycle policy".
const MOST: usize = 50;

/// Most wildcards of a pattern.
const WILDCARDS: usize = 4;

const DAY: i64 = 24 * 3600;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    rule_priority: u32,
    #[serde(default)]
    #[allow(dead_code, reason = "is only for people")]
    description: String,
    selection: Selection,
    action: Action,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selection {
    tag_status: TagStatus,
    #[serde(default)]
    tag_prefix_list: Vec<String>,
    #[serde(default)]
    tag_pattern_list: Vec<String>,
    count_type: CountType,
    count_unit: Option<String>,
    count_number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TagStatus {
    Tagged,
    Untagged,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum CountType {
    ImageCountMoreThan,
    SinceImagePushed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    r#type: String,
}

/// Reads a policy; the error says what is wrong with it.
pub(super) fn read(text: &str) -> Result<Policy, String> {
    let mut policy: Policy = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if policy.rules.is_empty() || policy.rules.len() > MOST {
        return Err(format!("a policy has from 1 to {MOST} rules"));
    }
    policy.rules.sort_by_key(|rule| rule.rule_priority);
    let (mut seen, mut untagged) = (BTreeSet::new(), 0);
    for (at, rule) in policy.rules.iter().enumerate() {
        let selection = &rule.selection;
        if rule.rule_priority == 0 || selection.count_number == 0 {
            return Err("rulePriority and countNumber are greater than 0".to_owned());
        }
        if at > 0 && policy.rules[at - 1].rule_priority == rule.rule_priority {
            return Err(format!("two rules have the rulePriority {}", rule.rule_priority));
        }
        if rule.action.r#type != "expire" {
            return Err(format!("the sandbox does not have the action {}", rule.action.r#type));
        }
        let lists = (selection.tag_prefix_list.len(), selection.tag_pattern_list.len());
        match (selection.tag_status, lists) {
            (TagStatus::Tagged, (0, 0)) => {
                return Err("tagPrefixList or tagPatternList is required for tagged images".to_owned());
            }
            (TagStatus::Tagged, (1.., 1..)) => {
                return Err("tagPrefixList and tagPatternList exclude each other".to_owned());
            }
            (TagStatus::Untagged | TagStatus::Any, (1.., _) | (_, 1..)) => {
                return Err("tags are for tagged images only".to_owned());
            }
            (TagStatus::Any, _) if at + 1 < policy.rules.len() => {
                return Err("a rule for any image has the highest rulePriority".to_owned());
            }
            _ => {}
        }
        untagged += usize::from(selection.tag_status == TagStatus::Untagged);
        if untagged > 1 {
            return Err("only one rule may select untagged images".to_owned());
        }
        if selection.tag_pattern_list.iter().any(|one| one.matches('*').count() > WILDCARDS) {
            return Err(format!("a pattern has at most {WILDCARDS} wildcards"));
        }
        if !selection.tag_prefix_list.is_empty() && !seen.insert(&selection.tag_prefix_list) {
            return Err("the rules have the same tagPrefixList twice".to_owned());
        }
        match (selection.count_type, selection.count_unit.as_deref()) {
            (CountType::SinceImagePushed, Some("days")) | (CountType::ImageCountMoreThan, None) => {}
            (CountType::SinceImagePushed, _) => return Err("countUnit is days".to_owned()),
            (CountType::ImageCountMoreThan, _) => {
                return Err("countUnit is for sinceImagePushed only".to_owned());
            }
        }
    }
    Ok(policy)
}

impl Selection {
    fn selects(&self, image: &Image) -> bool {
        let any = |wanted: &dyn Fn(&str) -> bool| image.tags.iter().any(|tag| wanted(tag));
        match self.tag_status {
            TagStatus::Any => true,
            TagStatus::Untagged => image.tags.is_empty(),
            // Every prefix or pattern has to fit one of the image's tags.
            TagStatus::Tagged => {
                !image.tags.is_empty()
                    && self.tag_prefix_list.iter().all(|prefix| any(&|tag| tag.starts_with(prefix)))
                    && self.tag_pattern_list.iter().all(|pattern| any(&|tag| matches(pattern, tag)))
            }
        }
    }
}

/// The images that expire at a time, each with the priority of the rule that says so.
pub(super) fn expired(policy: &Policy, repository: &Repository, now: i64) -> BTreeMap<String, u32> {
    // What an index names stays for as long as the index does.
    let held: BTreeSet<&String> = repository.images.values().flat_map(|image| &image.names).collect();
    let (mut expired, mut spoken_for) = (BTreeMap::new(), BTreeSet::new());
    for rule in &policy.rules {
        let mut selected: Vec<(&String, &Image)> =
            repository.images.iter().filter(|(_, image)| rule.selection.selects(image)).collect();
        selected.sort_by_key(|(digest, image)| (std::cmp::Reverse(image.pushed), *digest));
        let number = rule.selection.count_number;
        for (at, (digest, image)) in selected.iter().enumerate() {
            let goes = match rule.selection.count_type {
                CountType::ImageCountMoreThan => at >= number as usize,
                CountType::SinceImagePushed => now - image.pushed > i64::from(number) * DAY,
            };
            if goes && !spoken_for.contains(digest) && !held.contains(digest) {
                expired.insert((*digest).clone(), rule.rule_priority);
            }
        }
        // An image that a rule selects is not for later rules to expire.
        spoken_for.extend(selected.iter().map(|(digest, _)| *digest));
    }
    expired
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(images: &[(&str, &[&str], i64)]) -> Repository {
        let image = |(digest, tags, age): &(&str, &[&str], i64)| {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            ((*digest).to_owned(), Image { tags, pushed: 100 * DAY - age * DAY, ..Image::default() })
        };
        Repository { images: images.iter().map(image).collect(), ..Repository::default() }
    }

    fn rule(priority: u32, selection: &str) -> String {
        format!(r#"{{"rulePriority":{priority},"selection":{{{selection}}},"action":{{"type":"expire"}}}}"#)
    }

    fn run(rules: &[String], repository: &Repository) -> Vec<(String, u32)> {
        let policy = read(&format!(r#"{{"rules":[{}]}}"#, rules.join(","))).expect("is a policy");
        expired(&policy, repository, 100 * DAY).into_iter().collect()
    }

    #[test]
    fn images_expire_by_count_and_by_age() {
        let all = repository(&[("a", &["v1"], 3), ("b", &["v2"], 2), ("c", &[], 20), ("d", &[], 1)]);
        let count = r#""tagStatus":"any","countType":"imageCountMoreThan","countNumber":2"#;
        assert_eq!(run(&[rule(1, count)], &all), [("a".to_owned(), 1), ("c".to_owned(), 1)]);
        let age =
            r#""tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14"#;
        assert_eq!(run(&[rule(1, age)], &all), [("c".to_owned(), 1)]);
    }

    #[test]
    fn what_a_rule_selects_no_later_rule_expires() {
        let all = repository(&[("a", &["prod-1"], 9), ("b", &["prod-2", "x"], 5), ("c", &["dev"], 7)]);
        let prod = r#""tagStatus":"tagged","tagPatternList":["prod*"],"countType":"imageCountMoreThan","countNumber":1"#;
        let any = r#""tagStatus":"any","countType":"imageCountMoreThan","countNumber":1"#;
        assert_eq!(run(&[rule(2, any), rule(1, prod)], &all), [("a".to_owned(), 1), ("c".to_owned(), 2)]);
        // All prefixes have to be found.
        let both = r#""tagStatus":"tagged","tagPrefixList":["prod","x"],"countType":"sinceImagePushed","countUnit":"days","countNumber":1"#;
        assert_eq!(run(&[rule(1, both)], &all), [("b".to_owned(), 1)]);
    }

    #[test]
    fn what_an_index_names_stays() {
        let mut all = repository(&[("a", &[], 9), ("b", &["v"], 5)]);
        all.images.get_mut("b").expect("is there").names.insert("a".to_owned());
        let none =
            r#""tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1"#;
        assert_eq!(run(&[rule(1, none)], &all), []);
    }

    #[test]
    fn policies_that_ecr_refuses() {
        let count = r#""countType":"imageCountMoreThan","countNumber":1"#;
        for rules in [
            vec![],
            vec![rule(1, &format!(r#""tagStatus":"tagged",{count}"#))],
            vec![rule(1, &format!(r#""tagStatus":"untagged","tagPrefixList":["a"],{count}"#))],
            vec![
                rule(1, &format!(r#""tagStatus":"any",{count}"#)),
                rule(2, &format!(r#""tagStatus":"untagged",{count}"#)),
            ],
            vec![rule(0, &format!(r#""tagStatus":"any",{count}"#))],
            vec![rule(1, r#""tagStatus":"any","countType":"sinceImagePushed","countNumber":1"#)],
            vec![rule(1, &format!(r#""tagStatus":"tagged","tagPatternList":["*a*b*c*d*"],{count}"#))],
        ] {
            assert!(read(&format!(r#"{{"rules":[{}]}}"#, rules.join(","))).is_err(), "{rules:?}");
        }
    }
}
