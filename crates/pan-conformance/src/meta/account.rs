//! Users, their counters, and tokens.

use std::collections::HashSet;
use std::ops::ControlFlow;

use pan_engine::meta::{ChangeRow, NewUser, TokenRow, Usage, UsageDelta, UserRow};
use pan_engine::{EngineError, ErrorKind, MetaStore, MetaStoreExt, Scope};
use pan_model::{ByteSize, FsId, Md5Style, PanPath, PathRules, Rev, Timestamp, UserNo};

use super::given::{NOW, read, try_write, user, write};

/// A new user has a root directory and nothing else.
pub async fn a_user_begins_with_an_empty_root(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    read(store, move |snapshot| {
        let root = snapshot.get_entry(FsId::root(user))?.expect("a root");
        assert!(root.is_directory());
        assert_eq!((root.parent, root.name.as_str(), root.rev), (None, "", Rev(0)));
        assert_eq!((root.ctime, root.mtime), (NOW, NOW));
        assert_eq!(snapshot.get_totals(root.fs_id)?, pan_engine::meta::Totals::default());
        let usage = snapshot.get_usage(user)?.expect("counters");
        assert_eq!(usage, Usage { quota: ByteSize(1 << 40), ..Usage::default() });
        Ok(())
    })
    .await;
}

/// Users are found by number and by exact name, and listed by number.
pub async fn users_are_found_by_number_and_name_and_listed_in_order(store: &dyn MetaStore) {
    let mut added = Vec::new();
    for name in ["zoe", "ann", "李雷"] {
        added.push((user(store, name).await, name));
    }
    read(store, move |snapshot| {
        let mut listed = Vec::new();
        snapshot.list_users(&mut |user| {
            listed.push(user);
            ControlFlow::Continue(())
        })?;
        assert!(listed.is_sorted_by_key(|user| user.user));
        assert_eq!(listed.len(), added.len());
        for (user, name) in added {
            let quota = ByteSize(1 << 40);
            let row = UserRow { user, name: name.into(), quota, disabled: false, created: NOW };
            assert_eq!(snapshot.get_user(user)?, Some(row.clone()));
            assert_eq!(snapshot.find_user(name)?, Some(row));
        }
        assert_eq!(snapshot.find_user("Ann")?, None);
        assert_eq!(snapshot.get_user(UserNo(999))?, None);
        assert_eq!(snapshot.get_usage(UserNo(999))?, None);
        Ok(())
    })
    .await;
}

/// Two users never share a name.
pub async fn a_taken_user_name_is_refused(store: &dyn MetaStore) {
    user(store, "a").await;
    let again = NewUser { name: "a".into(), quota: ByteSize(1), created: NOW };
    let again =
        store.write::<_, EngineError, _>(Scope::Instance, move |tx| tx.insert_user(&again)).await;
    assert!(again.is_err());
}

/// Everything about a token is kept.
pub async fn tokens_come_back_as_they_were_given(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let token = |n: u8, expires| TokenRow {
        hash: [n; 32],
        user,
        root: PanPath::parse("/apps/应用").unwrap(),
        rules: if n == 1 { PathRules::Pcs } else { PathRules::Relaxed },
        md5_style: if n == 1 { Md5Style::Plain } else { Md5Style::Baidu },
        created: NOW,
        expires,
    };
    let tokens = [token(1, None), token(2, Some(Timestamp(7)))];
    for token in tokens.clone() {
        write(store, user, move |tx| tx.insert_token(&token)).await;
    }
    read(store, move |snapshot| {
        let mut listed = Vec::new();
        snapshot.list_tokens(&mut |token| {
            listed.push(token);
            ControlFlow::Continue(())
        })?;
        listed.sort_by_key(|token| token.hash);
        assert_eq!(listed, tokens);
        for token in tokens {
            assert_eq!(snapshot.get_token(&token.hash.clone())?, Some(token));
        }
        assert_eq!(snapshot.get_token(&[3; 32])?, None);
        Ok(())
    })
    .await;
}

/// A cached caller is good while the epoch stands still: it must not stand
/// still when a user or a token changes, and should when anything else does.
pub async fn every_change_of_access_raises_the_auth_epoch(store: &dyn MetaStore) {
    let epoch = async || read(store, |snapshot| snapshot.auth_epoch()).await;
    let mut last = epoch().await;
    let mut has_risen = async || {
        let before = std::mem::replace(&mut last, epoch().await);
        last > before
    };
    let user = user(store, "a").await;
    assert!(has_risen().await);
    write(store, user, move |tx| tx.update_user(user, ByteSize(1), true)).await;
    assert!(has_risen().await);
    let token = TokenRow {
        hash: [1; 32],
        user,
        root: PanPath::root(),
        rules: PathRules::Pcs,
        md5_style: Md5Style::Plain,
        created: NOW,
        expires: None,
    };
    write(store, user, move |tx| tx.insert_token(&token)).await;
    assert!(has_risen().await);
    write(store, user, move |tx| tx.next_rev(user)).await;
    assert!(!has_risen().await);
}

/// Counters move by what is added, in both directions and each for itself.
pub async fn usage_moves_by_what_was_added(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    for delta in [(100, 0, 7), (-40, 40, 0), (1, -10, -7)] {
        let (used, recycled, tmpfiles) = delta;
        let delta = UsageDelta { used, recycled, tmpfiles };
        write(store, user, move |tx| tx.add_usage(user, &delta)).await;
    }
    let usage = read(store, move |snapshot| snapshot.get_usage(user)).await.unwrap();
    assert_eq!((usage.used.0, usage.recycled.0, usage.tmpfiles.0), (61, 30, 0));
}

/// Quota and state are set together and seen at once, in the counters too.
pub async fn quota_and_state_can_be_changed(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    write(store, user, move |tx| {
        tx.next_rev(user)?;
        tx.update_user(user, ByteSize(5), true)?;
        assert_eq!(tx.get_usage(user)?.unwrap().quota, ByteSize(5));
        Ok(())
    })
    .await;
    read(store, move |snapshot| {
        let row = snapshot.get_user(user)?.unwrap();
        assert_eq!((row.quota, row.disabled), (ByteSize(5), true));
        let usage = snapshot.get_usage(user)?.unwrap();
        assert_eq!((usage.quota, usage.rev), (ByteSize(5), Rev(1)));
        Ok(())
    })
    .await;
}

/// Nothing can be counted for a user who is not there.
pub async fn counters_of_nobody_are_missing(store: &dyn MetaStore) {
    let nobody = UserNo(999);
    let kind = |result: Result<(), EngineError>| result.unwrap_err().kind();
    let rev = try_write(store, nobody, move |tx| tx.next_rev(nobody).map(drop));
    assert_eq!(kind(rev.await), ErrorKind::Missing);
    let fs_id = try_write(store, nobody, move |tx| tx.next_fs_id(nobody).map(drop));
    assert_eq!(kind(fs_id.await), ErrorKind::Missing);
    let usage = try_write(store, nobody, move |tx| tx.add_usage(nobody, &UsageDelta::default()));
    assert_eq!(kind(usage.await), ErrorKind::Missing);
    let quota = try_write(store, nobody, move |tx| tx.update_user(nobody, ByteSize(1), false));
    assert_eq!(kind(quota.await), ErrorKind::Missing);
}

/// Ids are in the user's own range, new every time, and never the root's.
pub async fn fs_ids_are_never_given_out_twice(store: &dyn MetaStore) {
    let users = [user(store, "a").await, user(store, "b").await];
    let mut given = HashSet::new();
    for n in 0..40 {
        let user = users[n % 2];
        let ids = write(store, user, move |tx| Ok([tx.next_fs_id(user)?, tx.next_fs_id(user)?]));
        for id in ids.await {
            assert_eq!(id.user(), user);
            assert!(!id.is_root());
            assert!(given.insert(id), "{id} came twice");
            let last = read(store, move |snapshot| snapshot.last_fs_id(user)).await;
            assert!(last.is_some_and(|last| last >= id));
        }
    }
}

/// However many closures of several users wait, and however many fail, the
/// revs of those that commit are 1, 2, 3 … in the order of their commits.
pub async fn revs_are_gapless_and_in_commit_order(store: &dyn MetaStore) {
    const CLOSURES: u64 = 400;
    let users = [user(store, "a").await, user(store, "b").await];
    let fails = |n: u64| n % 5 == 2 || n % 7 == 3;
    let answers: Vec<_> = (0..CLOSURES)
        .map(|n| {
            let user = users[n as usize % 2];
            try_write(store, user, move |tx| {
                let rev = tx.next_rev(user)?;
                if n % 5 == 2 {
                    // Before anything is written …
                    return Err(EngineError::new(ErrorKind::Failed, "on purpose"));
                }
                let change = ChangeRow { rev, gone: None, came: None, unfold: false, at: NOW };
                tx.append_change(user, &change)?;
                if n % 7 == 3 {
                    // … or after.
                    return Err(EngineError::new(ErrorKind::Failed, "on purpose"));
                }
                Ok(rev)
            })
        })
        .collect();
    let mut given = [Vec::new(), Vec::new()];
    for (n, answer) in (0..).zip(answers) {
        match answer.await {
            Ok(rev) => given[n as usize % 2].push(rev),
            Err(_) => assert!(fails(n)),
        }
    }
    for (user, given) in users.into_iter().zip(given) {
        let expected: Vec<_> = (1..=given.len() as u64).map(Rev).collect();
        assert_eq!(given, expected);
        let mut logged = Vec::new();
        let logged = read(store, move |snapshot| {
            snapshot.list_changes(user, Rev(0), CLOSURES, &mut |change| {
                logged.push(change.rev);
                ControlFlow::Continue(())
            })?;
            Ok(logged)
        });
        assert_eq!(logged.await, expected);
    }
}
