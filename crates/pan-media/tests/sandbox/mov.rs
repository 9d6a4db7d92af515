//! A QuickTime movie whose samples are in another file.

use crate::canary::Canary;

/// A movie of sound whose bytes are those of the canary.
pub(crate) fn reference(canary: &Canary) -> Vec<u8> {
    let sound = canary.sound();
    let alias = alias(&sound.display().to_string());
    let references = atom(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &alias].concat());
    let seconds = 1_u32;
    let samples = 8000 * seconds;
    let sowt = [
        &[0, 0, 0, 0, 0, 0, 0, 1][..],
        &[0; 8],
        &[0, 1, 0, 16, 0, 0, 0, 0],
        &(8000_u32 << 16).to_be_bytes(),
    ]
    .concat();
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
    let table = [
        atom(b"stsd", &[&words(&[0, 1])[..], &atom(b"sowt", &sowt)].concat()),
        atom(b"stts", &words(&[0, 1, samples, 1])),
        atom(b"stsc", &words(&[0, 1, 1, samples, 1])),
        atom(b"stsz", &words(&[0, 2, samples])),
        atom(b"stco", &words(&[0, 1, 44])),
    ];
    let data = atom(b"dinf", &references);
    let information = [atom(b"smhd", &[0; 8]), data, atom(b"stbl", &table.concat())].concat();
    let media = [
        atom(b"mdhd", &words(&[0, 0, 0, 8000, samples, 0])),
        atom(b"hdlr", &[&[0; 4], &b"mhlrsoun"[..], &[0; 13]].concat()),
        atom(b"minf", &information),
    ];
    let mut track_header = words(&[0xf, 0, 0, 1, 0, samples]);
    track_header.resize(84, 0);
    let track = [atom(b"tkhd", &track_header), atom(b"mdia", &media.concat())];
    let mut movie_header = words(&[0, 0, 0, 8000, samples]);
    movie_header.resize(100, 0);
    let movie = [atom(b"mvhd", &movie_header), atom(b"trak", &track.concat())];
    [atom(b"ftyp", b"qt  \0\0\0\0qt  "), atom(b"moov", &movie.concat())].concat()
}

/// An alias of the classic Mac OS, as far as ffmpeg reads it: 150 bytes of
/// fields, then the absolute path.
fn alias(path: &str) -> Vec<u8> {
    let mut body = vec![0; 4 + 150];
    let path_bytes = path.as_bytes();
    body.extend([0, 2]);
    body.extend(u16::try_from(path_bytes.len()).unwrap().to_be_bytes());
    body.extend(path_bytes);
    body.extend(vec![0; path_bytes.len() % 2]);
    body.extend([0xff, 0xff, 0, 0]);
    atom(b"alis", &body)
}

fn atom(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes()[..], name, body].concat()
}
