//! A graph of work, done as parallel as its arrows allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

/// What a failure means for the work that does not wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing more is begun.
    Stop,
    /// It is done all the same.
    GoOn,
}

/// Does all that `graph` has, each after those it waits for. Returns what failed; what was not begun is in no list.
/// What is under way when `may_begin` says no, or something fails, comes to its end.
pub(super) async fn walk<F, Work>(
    mut graph: BTreeMap<String, BTreeSet<String>>,
    after: After,
    may_begin: impl Fn() -> bool,
    run: F,
) -> Vec<String>
where
    F: Fn(String) -> Work,
    Work: Future<Output = (String, bool)>,
{
    let names: BTreeSet<String> = graph.keys().cloned().collect();
    for needs in graph.values_mut() {
        needs.retain(|need| names.contains(need));
    }
    let (mut under_way, mut failed) = (FuturesUnordered::new(), Vec::new());
    loop {
        if (after == After::GoOn || failed.is_empty()) && may_begin() {
            let ready: Vec<String> =
                graph.iter().filter(|(_, needs)| needs.is_empty()).map(|(name, _)| name.clone()).collect();
            for name in ready {
                graph.remove(&name);
                under_way.push(run(name));
            }
        }
        let Some((name, success)) = under_way.next().await else { return failed };
        // Services that answer without waiting would keep a thread to themselves, and a task that is to end would not.
        tokio::task::yield_now().await;
        if success {
            graph.values_mut().for_each(|needs| {
                needs.remove(&name);
            });
        } else {
            failed.push(name);
        }
    }
}

/// The graph with its arrows turned: who is waited for, waits.
pub(super) fn turned(graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    let mut turned: BTreeMap<String, BTreeSet<String>> =
        graph.keys().map(|name| (name.clone(), BTreeSet::new())).collect();
    for (name, needs) in graph {
        for need in needs {
            if let Some(waits) = turned.get_mut(need) {
                waits.insert(name.clone());
            }
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn graph(arrows: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        let set = |needs: &[&str]| needs.iter().map(|need| (*need).to_owned()).collect();
        arrows.iter().map(|(name, needs)| ((*name).to_owned(), set(needs))).collect()
    }

    async fn order(after: After, failing: &str) -> (Vec<String>, Vec<String>) {
        let graph =
            graph(&[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a", "gone"]), ("a", &[]), ("e", &["c"])]);
        let done = RefCell::new(Vec::new());
        let run = |name: String| {
            done.borrow_mut().push(name.clone());
            let success = name != failing;
            async move { (name, success) }
        };
        let failed = walk(graph, after, || true, run).await;
        (done.into_inner(), failed)
    }

    #[tokio::test]
    async fn each_is_done_after_what_it_waits_for() {
        assert_eq!(order(After::Stop, "").await.0, ["a", "b", "c", "d", "e"]);
    }

    #[tokio::test]
    async fn a_failure_stops_all_or_only_what_waits_for_it() {
        let (done, failed) = order(After::Stop, "b").await;
        assert_eq!(
            (done, failed),
            (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], vec!["b".to_owned()])
        );
        let (done, _) = order(After::GoOn, "b").await;
        assert_eq!(done, ["a", "b", "c", "e"]);
    }

    #[test]
    fn arrows_turn() {
        assert_eq!(turned(&graph(&[("a", &["b"]), ("b", &[])])), graph(&[("b", &["a"]), ("a", &[])]));
    }
}
