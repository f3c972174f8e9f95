//! Versions and files, without the wire.

use super::{
    S3,
    index::{Id, Object, Part, Record},
    now, versions,
    versions::Condition,
};

fn object(s3: &S3, file: &str, text: &str) -> Object {
    std::fs::write(s3.objects.join(file), text).expect("writes");
    Object { file: file.to_owned(), size: text.len() as u64, etag: text.to_owned(), ..Object::default() }
}

fn open(dir: &tempfile::TempDir) -> S3 {
    S3::open(&dir.path().join("s3")).expect("opens")
}

fn versioning(s3: &S3, word: &str) {
    s3.change_bucket("b", |bucket| {
        bucket.versioning = Some(word.to_owned());
        Ok(())
    })
    .expect("is kept");
}

fn put(s3: &S3, file: &str) -> versions::Made {
    let object = object(s3, file, file);
    s3.update(|index, changes| versions::put(index, changes, ("b", "k"), Some(object), now()))
        .expect("is kept")
}

fn remove(s3: &S3, version: Option<&str>) -> versions::Made {
    s3.update(|index, changes| versions::remove(index, changes, ("b", "k"), version, now())).expect("is kept")
}

fn ids(s3: &S3) -> Vec<String> {
    s3.read(|index| index.versions("b", "k").map(|(_, version)| version.id.clone()).collect())
}

fn files(s3: &S3) -> Vec<String> {
    let names = std::fs::read_dir(&s3.objects).expect("reads");
    let mut names: Vec<String> =
        names.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn versions_come_and_go_as_the_bucket_keeps_them() {
    let dir = tempfile::tempdir().expect("dir");
    let s3 = open(&dir);
    s3.make_bucket("b").expect("is made");
    assert_eq!(put(&s3, "one").version, None);
    put(&s3, "two");
    assert_eq!((ids(&s3), files(&s3)), (vec!["null".to_owned()], vec!["two".to_owned()]));
    versioning(&s3, "Enabled");
    let third = put(&s3, "three").version.expect("has an id");
    assert_eq!(ids(&s3), [third.clone(), "null".to_owned()]);
    let marker = remove(&s3, None);
    assert!(marker.marker && s3.read(|index| index.object("b", "k").is_none()));
    // Taking the marker away brings the object back, also in another life.
    let s3 = open(&dir);
    remove(&s3, marker.version.as_deref());
    assert_eq!(s3.object_path("b", "k"), Some(s3.objects.join("three")));
    versioning(&s3, "Suspended");
    assert_eq!(put(&s3, "four").version.as_deref(), Some("null"));
    assert_eq!(
        (ids(&s3), files(&s3)),
        (vec!["null".to_owned(), third.clone()], vec!["four".to_owned(), "three".to_owned()])
    );
    let marker = remove(&s3, None);
    assert_eq!((marker.version.as_deref(), ids(&s3).len(), files(&s3).len()), (Some("null"), 2, 1));
    remove(&s3, Some("null"));
    remove(&s3, Some(&third));
    assert!(ids(&s3).is_empty() && files(&s3).is_empty());
}

#[test]
fn one_of_many_writers_on_a_condition_wins() {
    let dir = tempfile::tempdir().expect("dir");
    let s3 = open(&dir);
    s3.make_bucket("b").expect("is made");
    versioning(&s3, "Enabled");
    let any = s3s::dto::ETagCondition::Any;
    let won: usize = std::thread::scope(|scope| {
        let write = |n: usize| {
            let (s3, any) = (&s3, any.clone());
            move || {
                let object = object(s3, &format!("w{n}"), "x");
                let condition = Condition::new(None, Some(any)).expect("is one");
                let made = s3.update(|index, changes| {
                    condition.check(index, "b", "k")?;
                    versions::put(index, changes, ("b", "k"), Some(object), now())
                });
                usize::from(made.is_ok())
            }
        };
        let writers: Vec<_> = (0..32).map(|n| scope.spawn(write(n))).collect();
        writers.into_iter().map(|writer| writer.join().expect("ends")).sum()
    });
    assert_eq!((won, ids(&s3).len()), (1, 1));
}

#[test]
fn a_start_tidies_what_nobody_owns_and_nothing_else() {
    let dir = tempfile::tempdir().expect("dir");
    let s3 = open(&dir);
    s3.make_bucket("b").expect("is made");
    put(&s3, "kept");
    std::fs::write(s3.objects.join("half"), "an obj").expect("writes");
    std::fs::write(s3.objects.join("part"), "p").expect("writes");
    let sum = super::checksum::Algorithm::Crc32.of(b"p");
    let part = Part { file: "part".to_owned(), size: 1, etag: String::new(), sum, modified: 0 };
    s3.update(|_, changes| {
        changes.put(Id::Part("u".to_owned(), 1), Record::Part(part));
        Ok(())
    })
    .expect("is kept");
    drop(s3);
    assert_eq!(files(&open(&dir)), ["kept", "part"]);
}
