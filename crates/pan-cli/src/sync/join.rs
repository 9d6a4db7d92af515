//! What is known of each place, put together.

use std::cmp::Ordering;
use std::iter::Peekable;

use super::base::Loaded;
use super::model::{Item, Local};

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
    while let Some(key) = least(&mut locals, &mut pairs, &mut pending) {
        let local = take(&mut locals, &key);
        let pair = take(&mut pairs, &key);
        let told = take(&mut pending, &key);
        let is_as_before = told.is_none()
            && local.is_some()
            && local.as_ref().map(|local| local.stat) == pair.map(|pair| pair.stat);
        let remote = told.unwrap_or_else(|| pair.map(|pair| pair.remote));
        let item = Item { key, pair, local, remote };
        if is_as_before && !keeps(&item) {
            unchanged += 1;
        } else {
            items.push(item);
        }
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
