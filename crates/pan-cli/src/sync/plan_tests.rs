//! The rules as tables: for each place what was agreed on, what is here and
//! what is there. `-` is nothing, `d` a directory, a digit the content of a file.

use pan_sdk::Md5;

use super::mirror::Mirror;
use super::model::{Item, Kind, Local, Pair, Remote, Stat};
use super::moves::{Move, Where, in_turn, moves};
use super::plan::{Action, Step, plan};

fn kind(sign: char) -> Kind {
    if sign == 'd' { Kind::Dir } else { Kind::File }
}

fn md5(sign: char) -> Option<Md5> {
    (sign != 'd').then_some(Md5([sign as u8; 16]))
}

/// A file of some content; its inode is told apart by `id`.
fn local(sign: char, id: u64) -> Local {
    let size = if sign == 'd' { 0 } else { 10 };
    let mtime = if sign == 'd' { 0 } else { i64::from(sign as u32) };
    let stat = Stat { kind: kind(sign), size, mtime, ctime: mtime, inode: id };
    Local { stat, md5: md5(sign) }
}

fn remote(sign: char, id: u64) -> Remote {
    let local = local(sign, id);
    Remote { kind: kind(sign), fs_id: id, size: local.stat.size, mtime: 7, md5: md5(sign) }
}

/// An item of `pair local remote`, such as `1 2 1`. A number behind a sign is
/// the identity of the entry: `1.5`.
fn item(key: &str, signs: &str) -> Item {
    let parse = |text: &str| {
        let mut parts = text.split('.');
        let sign = parts.next().and_then(|part| part.chars().next()).filter(|sign| *sign != '-')?;
        Some((sign, parts.next().map_or(key.len() as u64 + 100, |id| id.parse().unwrap())))
    };
    let [pair, here, there] = signs.split(' ').map(parse).collect::<Vec<_>>().try_into().unwrap();
    Item {
        key: key.to_owned(),
        pair: pair.map(|(sign, id)| Pair {
            stat: local(sign, id).stat,
            remote: remote(sign, id),
            md5: md5(sign),
        }),
        local: here.map(|(sign, id)| local(sign, id)),
        remote: there.map(|(sign, id)| remote(sign, id)),
    }
}

/// Items of lines `path: pair local remote`, separated by `; `.
fn items(text: &str) -> Vec<Item> {
    let one = |line: &str| {
        let (key, signs) = line.split_once(": ").unwrap();
        item(key, signs)
    };
    text.split("; ").map(one).collect()
}

/// The actions, those that come first with a `!`.
fn shown(steps: &[Step]) -> String {
    let word = |action| match action {
        Action::Upload => "up",
        Action::Download => "down",
        Action::MakeRemoteDir => "mkdir-there",
        Action::MakeLocalDir => "mkdir-here",
        Action::DeleteRemote => "delete-there",
        Action::DeleteLocal => "delete-here",
        Action::Agree => "agree",
        Action::Forget => "forget",
        Action::SetLocalAside => "aside-here",
        Action::SetRemoteAside => "aside-there",
        Action::InTheWay => "in-the-way",
    };
    let step = |step: &Step| {
        let mark = if step.is_first { "!" } else { "" };
        format!("{} {}{mark}", step.item.key, word(step.action))
    };
    steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

#[test]
fn both_sides_become_the_same() {
    for (text, expected) in [
        // Nothing was agreed on.
        ("a: - 1 -", "a up"),
        ("a: - - 1", "a down"),
        ("a: - d -", "a mkdir-there"),
        ("a: - - d", "a mkdir-here"),
        ("a: - 1 1", "a agree"),
        ("a: - d d", "a agree"),
        ("a: - 1 2", "a aside-here!"),
        ("a: - 1 d", "a aside-here!"),
        ("a: - d 1", "a aside-there!"),
        // One side has changed.
        ("a: 1 1 1", ""),
        ("a: 1 2 1", "a up"),
        ("a: 1 1 2", "a down"),
        ("a: 1 - 1", "a delete-there"),
        ("a: 1 1 -", "a delete-here"),
        ("a: d - d", "a delete-there"),
        ("a: d d -", "a delete-here"),
        ("a: 1 d 1", "a delete-there!"),
        ("a: 1 1 d", "a delete-here!"),
        // Both have.
        ("a: 1 - -", "a forget"),
        ("a: 1 2 2", "a agree"),
        ("a: 1 2 3", "a aside-here!"),
        ("a: 1 d d", "a agree"),
        ("a: 1 2 d", "a aside-here!"),
        ("a: 1 d 2", "a aside-there!"),
        // What was edited wins over what was deleted.
        ("a: 1 2 -", "a up"),
        ("a: 1 - 2", "a down"),
        ("a: 1 d -", "a mkdir-there"),
        ("a: 1 - d", "a mkdir-here"),
        // A file takes the place of a directory.
        ("a: d 1 d; a/b: 2 - 2", "a delete-there!, a/b delete-there!"),
        ("a: d 1 d; a/b: 2 - 3", "a aside-here!, a/b down"),
        ("a: d d 1; a/b: 2 2 -", "a delete-here!, a/b delete-here!"),
        ("a: d d 1; a/b: 2 3 -", "a aside-there!, a/b up"),
        ("a: d d 1; a/b: - 3 -", "a aside-there!, a/b up"),
        ("a: d 1 2; a/b: 2 - -", "a aside-here!, a/b forget"),
        ("a: d 1 -; a/b: 2 - -", "a up, a/b forget"),
        // A directory stays for what is new in it.
        ("a: d d -; a/b: 1 2 -", "a mkdir-there, a/b up"),
        ("a: d - d; a/b: 1 - 1; a/c: - - 2", "a mkdir-here, a/b delete-there, a/c down"),
        ("a: d - d; a/b: 1 - 1", "a delete-there, a/b delete-there"),
    ] {
        assert_eq!(shown(&plan(items(text))), expected, "{text}");
    }
}

#[test]
fn a_file_that_looks_changed_and_is_not_is_remembered_anew() {
    let mut touched = item("a", "1 1 1");
    touched.local.as_mut().unwrap().stat.mtime += 1;
    assert!(!touched.needs_reading(), "it was read");
    assert_eq!(shown(&plan(vec![touched.clone()])), "a agree");
    touched.local.as_mut().unwrap().md5 = None;
    assert!(touched.needs_reading());
    touched.local.as_mut().unwrap().stat.size += 1;
    assert!(!touched.needs_reading(), "its size tells");
    assert_eq!(shown(&plan(vec![touched])), "a up");
    let mut unread = item("a", "- 1 2");
    unread.local.as_mut().unwrap().md5 = None;
    assert!(unread.needs_reading());
    assert!(!item("a", "1 1 1").needs_reading());
}

#[test]
fn one_side_is_made_like_the_other() {
    let up = Mirror { up: true, delete: false, update: false };
    let down = Mirror { up: false, ..up };
    let deleting = |mirror: Mirror| Mirror { delete: true, ..mirror };
    for (mirror, text, expected) in [
        (up, "a: 1 1 1", ""),
        (up, "a: - 1 1", "a agree"),
        (up, "a: - 1 -", "a up"),
        (up, "a: 1 2 1", "a up"),
        (up, "a: 1 1 2", "a up"),
        (up, "a: 1 1 -", "a up"),
        (up, "a: - - 1", ""),
        (up, "a: 1 - 1", ""),
        (up, "a: - d 1", "a in-the-way"),
        (up, "a: d 1 d; a/b: 2 - 2", "a in-the-way"),
        (deleting(up), "a: - - 1", "a delete-there"),
        (deleting(up), "a: d 1 d; a/b: 2 - 2", "a delete-there!, a/b delete-there!"),
        (deleting(up), "a: 1 - -", "a forget"),
        (down, "a: 1 2 1", "a down"),
        (down, "a: - 1 -", ""),
        (down, "a: - - d; a/b: - - 1", "a mkdir-here, a/b down"),
        (deleting(down), "a: - 1 -", "a delete-here"),
        (deleting(down), "a: - 1 d", "a delete-here!"),
    ] {
        assert_eq!(shown(&mirror.plan(items(text))), expected, "{mirror:?} {text}");
    }
    // `--update`: the remote times are 7 s, the local ones some nanoseconds.
    let newer = Mirror { update: true, ..up };
    assert_eq!(shown(&newer.plan(items("a: - 1 2"))), "");
    let newer = Mirror { update: true, ..down };
    assert_eq!(shown(&newer.plan(items("a: - 1 2"))), "a down");
}

/// The moves that are found, as `from>to`.
fn found(text: &str, side: Where) -> String {
    let mut found = moves(&items(text), side);
    found.sort_by(|one, other| one.from.cmp(&other.from));
    let one = |one: &Move| format!("{}>{}", one.from, one.to);
    found.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_has_another_name_is_renamed() {
    for (side, text, expected) in [
        (Where::Remotely, "a: 1.5 - 1.5; b: - 1.5 -", "a>b"),
        (Where::Locally, "a: 1.5 1.5 -; b: - - 1.5", "a>b"),
        // By content, where the file system gave it another number.
        (Where::Remotely, "a: 1.5 - 1.5; b: - 1.9 -", "a>b"),
        // An old number on new content is no move.
        (Where::Remotely, "a: 1.5 - 1.5; b: - 2.5 -", ""),
        // An edit on the other side comes along.
        (Where::Remotely, "a: 1.5 - 2.5; b: - 1.5 -", "a>b"),
        (Where::Locally, "a: 1.5 2.5 -; b: - - 1.5", "a>b"),
        // The new name is taken by something that stays.
        (Where::Remotely, "a: 1.5 - 1.5; b: - 1.5 3.8", ""),
        // Chains and circles.
        (Where::Remotely, "a: 1.5 - 1.5; b: 2.6 1.5 2.6; c: - 2.6 -", "a>b b>c"),
        (Where::Remotely, "a: 1.5 2.6 1.5; b: 2.6 1.5 2.6", "a>b b>a"),
        (Where::Locally, "a: 1.5 1.5 2.6; b: 2.6 2.6 1.5", "a>b b>a"),
        // A directory goes as one, with something in it as a witness.
        (Where::Remotely, "a: d.5 - d.5; a/x: 1.6 - 1.6; b: - d.5 -; b/x: - 1.6 -", "a>b"),
        (Where::Remotely, "a: d.5 - d.5; a/x: 1.6 - 1.6; b: - d.5 -", ""),
        (Where::Locally, "a: d.5 d.5 -; a/x: 1.6 1.6 -; b: - - d.5; b/x: - - 1.6", "a>b"),
        // Gone on both sides, or moved on both: content decides.
        (Where::Remotely, "a: 1.5 - -; b: - 1.5 -; c: - - 1.5", ""),
        (Where::Locally, "a: 1.5 - -; b: - 1.5 -; c: - - 1.5", ""),
    ] {
        assert_eq!(found(text, side), expected, "{text}");
    }
}

#[test]
fn renamings_never_meet_a_taken_name() {
    for pairs in [
        &[("a", "b"), ("b", "c")][..],
        &[("a", "b"), ("b", "a")],
        &[("a", "b"), ("b", "c"), ("c", "a"), ("x", "y")],
    ] {
        let moves = pairs.iter().map(|(from, to)| Move {
            from: (*from).into(),
            to: (*to).into(),
            kind: Kind::File,
        });
        let mut names: std::collections::BTreeMap<String, &str> =
            pairs.iter().map(|(from, _)| ((*from).to_owned(), *from)).collect();
        for (from, to) in in_turn(moves.collect(), |to| format!("{to}-aside")) {
            let what = names.remove(&from).unwrap();
            assert_eq!(names.insert(to.clone(), what), None, "{pairs:?}: {to} is taken");
        }
        for (from, to) in pairs {
            assert_eq!(names[*to], *from, "{pairs:?}");
        }
    }
}
