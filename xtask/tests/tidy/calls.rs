//! A call of the API is there in every layer: a row of the method table, a handler, an SDK
//! method, and a command in the manual.

use crate::{assert_none, files_below, read, root};

/// The variants of `pan_pcs::Method`, the file of the handler, the method of the SDK's client,
/// and the command that needs the call.
const CALLS: &[(&str, &str, &str, &str)] = &[
    ("Quota", "quota.rs", "quota", "pan quota"),
    ("Upload", "upload.rs", "upload", "pan put"),
    ("UploadTmpfile", "upload_tmpfile.rs", "upload_tmpfile", "pan put"),
    ("CreateSuperfile", "create_superfile.rs", "create_superfile", "pan put"),
    ("Download", "download.rs", "download", "pan get"),
    ("Mkdir", "mkdir.rs", "mkdir", "pan mkdir"),
    ("Meta", "meta.rs", "meta", "pan stat"),
    ("List", "list.rs", "list", "pan ls"),
    ("Move", "move_copy.rs", "move_entry", "pan mv"),
    ("Copy", "move_copy.rs", "copy_entry", "pan cp"),
    ("Diff", "diff.rs", "diff", "pan diff"),
    ("Search", "search.rs", "search", "pan find"),
    ("ListMedia", "media.rs", "list_media", "pan media"),
    ("Thumbnail", "thumbnail.rs", "thumbnail", "pan thumb"),
    ("Streaming", "streaming.rs", "streaming", "pan play"),
    ("RapidUpload", "rapid_upload.rs", "rapid_upload", "pan put"),
    ("Delete", "delete.rs", "delete_entry", "pan rm"),
    ("ListRecycle", "recycle.rs", "list_recycle", "pan recycle"),
    ("Restore", "recycle.rs", "restore", "pan recycle"),
    ("RapidProbe", "rapid_probe.rs", "rapid_probe", "pan put"),
    ("Extensions", "extensions.rs", "extensions", "pan put"),
    ("BulkUpload", "bulk_upload.rs", "bulk_upload", "pan put"),
    ("EmptyRecycle", "recycle.rs", "empty_recycle", "pan recycle"),
];

#[test]
fn every_call_is_in_every_layer() {
    let sdk = files_below("crates/pan-sdk/src").iter().map(|path| read(path)).collect::<String>();
    let manual = read("docs/cli.md");
    let mut problems = Vec::new();
    for method in methods(&read("crates/pan-pcs/src/method.rs")) {
        let Some((_, handler, call, command)) = CALLS.iter().find(|row| row.0 == method) else {
            problems.push(format!("`Method::{method}` is new: give it a row in {}", file!()));
            continue;
        };
        let handler = format!("crates/pan-server/src/pcs/{handler}");
        if !root().join(&handler).is_file() {
            problems.push(format!("`Method::{method}` has no handler: write {handler}"));
        }
        if !sdk.contains(&format!("pub async fn {call}(")) {
            problems
                .push(format!("`Method::{method}` has no `Client::{call}` in pan-sdk: write it"));
        }
        if !manual.contains(&format!("### {command}")) {
            problems.push(format!("docs/cli.md does not describe `{command}`: add a section"));
        }
    }
    assert_none(&problems);
}

/// The variants of the enum `Method`.
fn methods(text: &str) -> Vec<&str> {
    let methods = text
        .lines()
        .skip_while(|line| *line != "pub enum Method {")
        .skip(1)
        .take_while(|line| *line != "}")
        .filter_map(|line| line.trim().strip_suffix(','))
        .collect::<Vec<_>>();
    assert!(!methods.is_empty(), "the method table has moved: tell this test where it is");
    methods
}
