//! Image files byte by byte, as no encoder would write them.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

/// A zlib stream of so many zeros: thousand times smaller.
pub(crate) fn deflated_zeros(count: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // One last block with the fixed code, a zero, and then "258 of what was one
    // byte ago" again and again.
    bits.push(0b011, 3);
    bits.push_code(0x30, 8);
    for _ in 0..count / 258 {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    let mut zeros = vec![0x78, 0x9c];
    zeros.extend(bits.bytes());
    // The sum would be compared at the end, which nobody should reach.
    zeros.extend([0; 4]);
    zeros
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    current: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        self.current |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push((self.current & 0xff) as u8);
            self.current >>= 8;
            self.count -= 8;
        }
    }

    /// The bits of a code come the other way round.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }

    fn bytes(mut self) -> Vec<u8> {
        self.bytes.push((self.current & 0xff) as u8);
        self.bytes
    }
}

/// A PNG with other chunks before its data.
pub(crate) fn png(
    width: u32,
    height: u32,
    color: u8,
    depth: u8,
    chunks: &[u8],
    data: &[u8],
) -> Vec<u8> {
    let header =
        [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, color, 0, 0, 0]].concat();
    let (header, data) = (png_chunk(b"IHDR", &header), png_chunk(b"IDAT", data));
    let end = png_chunk(b"IEND", &[]);
    [b"\x89PNG\r\n\x1a\n", header.as_slice(), chunks, &data, &end].concat()
}

pub(crate) fn png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    let sum = crc32(&[name, data].concat());
    [&length.to_be_bytes()[..], name, data, &sum.to_be_bytes()].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    let table: Vec<u32> = (0..256).map(|byte| (0..8).fold(byte, |crc, _| step(crc))).collect();
    let sum = bytes
        .iter()
        .fold(u32::MAX, |crc, byte| table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8));
    !sum
}

/// What a JPEG says before its data: the tables of the specification, and any
/// size.
fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let mut encoded = Cursor::new(Vec::new());
    DynamicImage::new_luma8(8, 8).write_to(&mut encoded, ImageFormat::Jpeg).unwrap();
    let mut header = encoded.into_inner();
    let frame = header.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    header[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    header[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    let scan = header.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    header.truncate(scan);
    header
}

/// A grey JPEG, all of one colour, that ends after so many bytes of data at most.
pub(crate) fn jpeg(width: u16, height: u16, data_max: usize) -> Vec<u8> {
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    // Four blocks that are as the one before: "00 1010" each.
    let data = [0x28, 0xa2, 0x8a].repeat(blocks.div_ceil(4).min(data_max / 3));
    [&jpeg_header(width, height)[..], b"\xff\xda\0\x08\x01\x01\0\0\x3f\0", &data, b"\xff\xd9"]
        .concat()
}

/// A progressive JPEG that goes over its blocks so many times, with next to no
/// data: the end of a scan stands for zeros.
pub(crate) fn jpeg_with_scans(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let mut header = jpeg_header(width, height);
    let frame = header.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    header[frame + 1] = 0xc2;
    let first = b"\xff\xda\0\x08\x01\x01\0\0\0\0";
    let next = b"\xff\xda\0\x08\x01\x01\0\x01\x3f\0\xa0".repeat(scans);
    [header.as_slice(), first, &[0], &next, b"\xff\xd9"].concat()
}

/// A GIF of two colours with what is given as its pictures.
pub(crate) fn gif(width: u16, height: u16, pictures: &[u8]) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    let colors = b"\x80\0\0\0\0\0\xff\xff\xff";
    [b"GIF89a", size.as_slice(), colors, pictures, b";"].concat()
}

/// A picture of a GIF with its data: the size of the codes, and the codes.
pub(crate) fn gif_frame(left: u16, top: u16, width: u16, height: u16, data: &[u8]) -> Vec<u8> {
    let place = [left, top, width, height].map(u16::to_le_bytes).concat();
    let mut frame = [b",", place.as_slice(), &[0, 2]].concat();
    for block in data.chunks(255) {
        frame.push(u8::try_from(block.len()).unwrap());
        frame.extend_from_slice(block);
    }
    frame.push(0);
    frame
}

/// A BMP with a palette of 256 colours, black all.
pub(crate) fn bmp(width: i32, height: i32, bits: u16, compression: u32, data: &[u8]) -> Vec<u8> {
    let palette = if bits == 8 { vec![0; 1024] } else { Vec::new() };
    let offset = 54 + u32::try_from(palette.len()).unwrap();
    let size = offset + u32::try_from(data.len()).unwrap();
    let file = [b"BM".as_slice(), &size.to_le_bytes(), &[0; 4], &offset.to_le_bytes()].concat();
    let mut info = [40_u32.to_le_bytes(), width.to_le_bytes(), height.to_le_bytes()].concat();
    info.extend([1_u16.to_le_bytes(), bits.to_le_bytes()].concat());
    info.extend(compression.to_le_bytes());
    info.extend([0; 20]);
    [file, info, palette, data.to_vec()].concat()
}
