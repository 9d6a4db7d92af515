//! Runs the golden files, each once for every way in which parameters travel
//! (pcs-rest 1.5, 11.3.1).

use super::call::{Call, Carrier, Credential};
use super::golden::{Expected, Step, parse};
use super::pattern::Bindings;
use super::{BulkItem, Client, DEMO, Promise, Reply, Target, bulk_body};

const FILES: &[(&str, &str)] = &[
    ("calls", include_str!("../../golden/calls.txt")),
    ("refusals", include_str!("../../golden/refusals.txt")),
    ("ondup", include_str!("../../golden/ondup.txt")),
    ("superfile", include_str!("../../golden/superfile.txt")),
    ("moving", include_str!("../../golden/moving.txt")),
    ("batches", include_str!("../../golden/batches.txt")),
    ("diff", include_str!("../../golden/diff.txt")),
    ("finding", include_str!("../../golden/finding.txt")),
    ("downloads", include_str!("../../golden/downloads.txt")),
    ("recycle", include_str!("../../golden/recycle.txt")),
    ("bulk_upload", include_str!("../../golden/bulk_upload.txt")),
    ("rapid_upload", include_str!("../../golden/rapid_upload.txt")),
];

/// A name, where parameters travel, and where the token does.
const WAYS: &[(&str, Carrier, Credential)] = &[
    ("get", Carrier::Get, Credential::Query),
    ("get_bearer", Carrier::Get, Credential::Bearer),
    ("post_query", Carrier::PostQuery, Credential::Query),
    ("post_form", Carrier::PostForm, Credential::Query),
    ("post_form_body_token", Carrier::PostForm, Credential::Body),
    ("post_multipart", Carrier::PostMultipart, Credential::Query),
    ("post_multipart_body_token", Carrier::PostMultipart, Credential::Body),
    ("post_all_in_form", Carrier::PostAllInForm, Credential::Query),
];

/// One promise for every file and every way.
pub(super) fn promises() -> Vec<Promise> {
    let pairs = FILES.iter().flat_map(|file| WAYS.iter().map(move |way| (file, way)));
    pairs
        .map(|(&(file, text), &(way, carrier, credential))| Promise {
            name: format!("golden::{file}::{way}"),
            run: Box::new(move |t: &Target<'_>| play(t, text, carrier, credential)),
        })
        .collect()
}

fn play(t: &Target<'_>, text: &str, carrier: Carrier, credential: Credential) {
    let demo = t.demo();
    for story in parse(text, DEMO) {
        let mut names = Bindings::default();
        for step in &story.steps {
            let call = as_call(&demo, step, &names, carrier, credential);
            let reply = call.send();
            if let Err(difference) = check(&mut names, step, &reply) {
                panic!("`{}`, line {}: {difference}\n{reply}", story.title, step.line);
            }
        }
    }
}

fn as_call<'a>(
    client: &'a Client,
    step: &Step,
    names: &Bindings,
    carrier: Carrier,
    credential: Credential,
) -> Call<'a> {
    let mut call = client.call(&step.object, &step.method).credential(credential);
    if !step.items.is_empty() {
        // The body is taken.
        let item = |(path, ondup, content): &(String, Option<String>, String)| {
            let item = BulkItem::new(path, content.as_bytes());
            ondup.iter().fold(item, |item, word| item.ondup(word))
        };
        let items: Vec<_> = step.items.iter().map(item).collect();
        let credential =
            if credential == Credential::Body { Credential::Query } else { credential };
        return client.bulk_call(bulk_body(&items)).credential(credential);
    }
    call = match (&step.content, carrier) {
        (None, carrier) => call.by(carrier),
        // A call with content is a multipart POST, whose texts may be in the query.
        (Some(content), Carrier::PostMultipart) => call.by(carrier).content(content.as_bytes()),
        (Some(content), _) => call.by(Carrier::PostQuery).content(content.as_bytes()),
    };
    for (name, value) in &step.params {
        call = call.param(name, names.fill(value));
    }
    step.fields.iter().fold(call, |call, (name, value)| call.field(name, value))
}

fn check(names: &mut Bindings, step: &Step, reply: &Reply) -> Result<(), String> {
    if reply.status() != step.status {
        return Err(format!("status {} was due", step.status));
    }
    match &step.expected {
        Expected::Anything => {}
        Expected::Success(pattern) => names.check(pattern, &reply.ok())?,
        Expected::Error(code, more) => names.check(more, &reply.refused(step.status, *code))?,
        Expected::Raw(text) if text.as_bytes() == reply.bytes() => {}
        Expected::Raw(text) => return Err(format!("the bytes should be `{text}`")),
    }
    for (name, value) in &step.reply_fields {
        if reply.field(name) != Some(value) {
            return Err(format!("`{name}: {value}` was due, not {:?}", reply.field(name)));
        }
    }
    Ok(())
}
