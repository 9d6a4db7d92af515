//! What is known of each place, put together.

use std::cmp::Ordering;
use std::iter::Peekable;

use super::base::Loaded;
use super::model::{Item, Local, Remote};

/// Puts three ordered lists together.
///
/// Places where everything is as it was are counted and left out, unless
/// `keeps` wants them.
pub(crate) fn join(
    locals: Vec<(String, Local)>,
    loaded: Loaded,
    keeps: impl Fn(&Item) -> bool,
) -> (Vec<Item>, u64) {
    let mut locals = locals.into_iter().peekable();
    let mut pairs = loaded.pairs.into_iter().peekable();
    let mut pending = loaded.pending.into_iter().peekable();
    let (mut items, mut unchanged) = (Vec::new(), 0);
    let is_before = |key: &str, next: Option<&(String, Option<Remote>)>| {
        next.is_none_or(|(next, _)| key < next.as_str())
    };
    loop {
        // Most places are here, were agreed on, and are not told about.
        while let (Some((key, local)), Some((agreed, pair))) = (locals.peek(), pairs.peek())
            && key == agreed
            && local.stat == pair.stat
            && is_before(key, pending.peek())
        {
            let (Some((key, local)), Some((_, pair))) = (locals.next(), pairs.next()) else {
                break;
            };
            let (remote, local) = (Some(pair.remote), Some(local));
            let item = Item { key, pair: Some(pair), local, remote };
            if keeps(&item) {
                items.push(item);
            } else {
                unchanged += 1;
            }
        }
        let Some(key) = least(&mut locals, &mut pairs, &mut pending) else { break };
        let local = take(&mut locals, &key);
        let pair = take(&mut pairs, &key);
        let told = take(&mut pending, &key);
        let remote = told.unwrap_or_else(|| pair.map(|pair| pair.remote));
        items.push(Item { key, pair, local, remote });
    }
    (items, unchanged)
}

/// The first of the keys that come next.
fn least<A, B, C>(
    one: &mut Peekable<impl Iterator<Item = (String, A)>>,
    two: &mut Peekable<impl Iterator<Item = (String, B)>>,
    three: &mut Peekable<impl Iterator<Item = (String, C)>>,
) -> Option<String> {
    let keys = [
        one.peek().map(|(key, _)| key.as_str()),
        two.peek().map(|(key, _)| key.as_str()),
        three.peek().map(|(key, _)| key.as_str()),
    ];
    keys.into_iter().flatten().min().map(str::to_owned)
}

/// The next of a list, if it is at this place.
fn take<T>(list: &mut Peekable<impl Iterator<Item = (String, T)>>, key: &str) -> Option<T> {
    list.next_if(|(next, _)| next.as_str().cmp(key) == Ordering::Equal).map(|(_, value)| value)
}
