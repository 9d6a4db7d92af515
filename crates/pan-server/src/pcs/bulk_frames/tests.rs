use bytes::Bytes;
use pan_core::BodyError;
use pan_model::{ByteSize, Md5, Ondup, PanPath};
use pan_pcs::{BULK_END, BulkHeader, BulkLimits};
use proptest::prelude::*;

use super::Frames;
use crate::body::RequestBody;

type Read = Vec<(String, Vec<u8>)>;

/// Reads as far as it goes; the items that came whole, and how it ended.
async fn read_all(pieces: Vec<Bytes>) -> (Read, Result<(), BodyError>) {
    let mut frames = Frames::new(RequestBody::of_pieces(pieces));
    let mut items = Read::new();
    let ended = loop {
        match frames.next_item().await {
            Ok(Some(item)) => items.push((item.path, Vec::new())),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
        loop {
            match frames.next_piece().await {
                Ok(Some(piece)) => items.last_mut().unwrap().1.extend_from_slice(&piece),
                Ok(None) => break,
                Err(error) => {
                    items.pop();
                    return (items, Err(error));
                }
            }
        }
    };
    (items, ended)
}

fn frame(path: &str, content: &[u8]) -> Vec<u8> {
    let path = PanPath::parse(path).unwrap();
    let size = ByteSize(content.len() as u64);
    let header = BulkHeader::new(&path, size, Md5([7; 16]), Ondup::Overwrite);
    [header.to_frame().as_slice(), content].concat()
}

/// Three items; the frame of an empty one in between.
fn body() -> (Vec<u8>, Read) {
    let items: Read =
        vec![("/a".into(), b"one".into()), ("/ü".into(), vec![]), ("/c".into(), vec![0; 40])];
    let frames = items.iter().map(|(path, content)| frame(path, content));
    (frames.chain([BULK_END.to_vec()]).collect::<Vec<_>>().concat(), items)
}

fn raw(header: &str) -> Vec<u8> {
    [&(header.len() as u32).to_be_bytes(), header.as_bytes()].concat()
}

fn whole(bytes: &[u8]) -> Vec<Bytes> {
    vec![Bytes::copy_from_slice(bytes)]
}

#[tokio::test]
async fn a_body_may_come_in_any_pieces() {
    let (body, items) = body();
    for cut in 1..body.len() {
        let (left, right) = body.split_at(cut);
        let (read, ended) = read_all([whole(left), whole(right)].concat()).await;
        assert_eq!((read, ended), (items.clone(), Ok(())), "cut at {cut}");
    }
    let bytes = body.chunks(1).map(Bytes::copy_from_slice).collect();
    assert_eq!(read_all(bytes).await, (items, Ok(())), "byte by byte");
}

#[tokio::test]
async fn a_body_that_ends_early_is_never_whole() {
    let (body, items) = body();
    for end in 0..body.len() {
        let (read, ended) = read_all(whole(&body[..end])).await;
        assert!(matches!(ended, Err(BodyError::Malformed(_))), "cut at {end}");
        assert_eq!(read, items[..read.len()], "cut at {end}");
    }
    let more = [&body[..], b"x"].concat();
    assert_eq!(read_all(whole(&more)).await.1.unwrap_err().to_string(), {
        "something follows the end of the items"
    });
}

#[tokio::test]
async fn what_is_not_read_is_skipped() {
    let (body, _) = body();
    let mut frames = Frames::new(RequestBody::of_pieces(whole(&body)));
    let mut sizes = Vec::new();
    while let Some(item) = frames.next_item().await.unwrap() {
        sizes.push(item.size.0);
    }
    assert_eq!(sizes, [3, 0, 40]);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_number() {
    let begin = frame("/a", b"abc");
    let large = BulkLimits::OPENPAN.item_bytes_max + 1;
    let many = format!(r#"{{"path":"/a","size":0,"x":"{}"}}"#, "x".repeat(8_200));
    for (bytes, reason) in [
        (raw("{"), "item 2: its header is wrong: EOF"),
        (raw(r#"{"path":"/a"}"#), "item 2: its header is wrong: missing field `size`"),
        (raw(r#"{"size":1}"#), "item 2: its header is wrong: missing field `path`"),
        (raw(&format!(r#"{{"path":"/a","size":{large}}}"#)), "item 2: it is larger than 4194304"),
        (raw(&many), "item 2: its header is longer than 8192 bytes"),
        (vec![255; 4], "item 2: its header is longer than 8192 bytes"),
        (vec![0, 0], "item 2: the body ends before it does"),
        (Vec::new(), "item 2: the body ends before it does"),
    ] {
        let (read, ended) = read_all(whole(&[&begin[..], &bytes].concat())).await;
        assert_eq!(read.len(), 1, "{reason}");
        let said = ended.unwrap_err().to_string();
        assert!(said.starts_with(reason), "`{said}`, not `{reason}`");
    }
}

#[tokio::test]
async fn there_is_a_limit_of_items_and_of_bytes() {
    let items = |count: usize| [frame("/a", b"").repeat(count), BULK_END.to_vec()].concat();
    assert_eq!(read_all(whole(&items(1_000))).await.1, Ok(()));
    let (read, ended) = read_all(whole(&items(1_001))).await;
    assert_eq!(ended.unwrap_err().to_string(), "item 1001: there are more than 1000");
    assert_eq!(read.len(), 1_000);
    let large = Bytes::from(frame("/a", &vec![1; 4 << 20]));
    let (read, ended) = read_all(vec![large; 17]).await;
    assert_eq!(ended.unwrap_err().to_string(), "item 16: the body is longer than 64 MiB");
    assert_eq!(read.len(), 15);
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever comes, it is read to an end, and nothing that was read is
    /// longer than what came.
    #[test]
    fn any_bytes_come_to_an_end(pieces in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 0..40), 0..8,
    )) {
        let length: usize = pieces.iter().map(Vec::len).sum();
        let (read, _) = run(read_all(pieces.into_iter().map(Bytes::from).collect()));
        prop_assert!(read.iter().map(|(_, content)| content.len()).sum::<usize>() <= length);
    }

    /// A good body with one wrong byte: the items before it are as they were.
    #[test]
    fn one_wrong_byte_spoils_nothing_before_it(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let (mut bytes, items) = body();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let (read, _) = run(read_all(whole(&bytes)));
        let mut end = 0;
        for (nth, (path, content)) in items.iter().enumerate() {
            end += frame(path, content).len();
            if end <= at {
                prop_assert_eq!(&read[nth], &items[nth]);
            }
        }
    }
}
