//! What ffprobe and ffmpeg are told.

use std::ffi::OsString;

use pan_model::StreamFormat;

use super::Container;
use super::facts::{Facts, Video};
use super::plan::{Plan, SAMPLES, SAMPLES_OF_FRAME};
use super::ts::{AUDIO_PID, PMT_PID, VIDEO_PID};

/// One run of ffmpeg: from one piece to [`Plan::run_end`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoding<'a> {
    /// The URL of the source, in the network of the sandbox.
    pub(crate) input: &'a str,
    /// The format to make.
    pub(crate) format: StreamFormat,
    /// The first piece.
    pub(crate) first_piece: u32,
    /// Threads of the decoder, and of the encoder.
    pub(crate) threads: usize,
}

/// Decoders of what people have. Others have been the door of many an attack,
/// and nobody misses them.
const DECODERS: &str = "h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,vp6,vp6f,vp6a,\
    mpeg1video,mpeg2video,mpegvideo,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,msmpeg4v3,wmv1,wmv2,wmv3,vc1,\
    h261,h263,h263i,h263p,flv,rv10,rv20,rv30,rv40,mjpeg,jpeg2000,gif,theora,svq1,svq3,cinepak,\
    dvvideo,prores,rawvideo,\
    aac,aac_latm,mp1,mp1float,mp2,mp2float,mp3,mp3float,ac3,ac3_fixed,eac3,dca,truehd,mlp,flac,\
    alac,vorbis,libvorbis,opus,libopus,wmav1,wmav2,wmapro,wmavoice,cook,sipr,real_144,real_288,\
    ralf,atrac3,nellymoser,speex,libspeex,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,\
    pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,\
    pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,adpcm_yamaha,\
    qdm2,gsm,gsm_ms";

/// What ffprobe may open, too, and never decodes: a decoder that it may not
/// open ends it, though it is only that of words or of a cover. These are all
/// that there are for words.
const WORDS: &str = "ass,ssa,srt,subrip,text,webvtt,mov_text,dvbsub,dvdsub,pgssub,xsub,cc_dec,\
    libzvbi_teletextdec,libaribb24,jacosub,microdvd,mpl2,pjs,realtext,sami,stl,subviewer,\
    subviewer1,vplayer";
const COVERS: &str = "png,bmp,tiff,webp";

/// Makes ffprobe write what [`Facts::parse`] reads to its stdout.
pub(crate) fn probe_arguments(container: Container, input: &str) -> Vec<OsString> {
    let mut arguments = Arguments::default();
    arguments.add("-hide_banner -loglevel error -print_format json");
    arguments.pair(
        "-show_entries",
        "format=duration:stream=index,codec_name,codec_type,width,height,sample_aspect_ratio,\
         field_order,r_frame_rate,avg_frame_rate,duration:\
         stream_disposition=default,attached_pic,timed_thumbnails:stream_side_data=rotation",
    );
    arguments.read(container, input);
    // The white list without a kind is for looking inside; the last one that
    // fits is for the opening.
    arguments.pair("-codec_whitelist:s", WORDS);
    arguments.pair("-codec_whitelist:v", &format!("{DECODERS},{COVERS}"));
    arguments.pair("-i", input);
    arguments.0
}

/// Makes ffmpeg write to its stdout what [`super::Splitter`] reads.
pub(crate) fn encode_arguments(
    facts: &Facts,
    plan: &Plan,
    encoding: Encoding<'_>,
) -> Vec<OsString> {
    let run = Run::of(facts, plan, encoding);
    let mut arguments = Arguments::default();
    arguments.add("-nostdin -hide_banner -loglevel error -copyts -start_at_zero -noaccurate_seek");
    arguments.add("-filter_threads 1 -filter_complex_threads 1 -reinit_filter 0");
    arguments.pair("-threads", &encoding.threads.to_string());
    if let Some(seek) = run.seek_micros {
        arguments.pair("-ss", &format!("{seek}us"));
    }
    arguments.input(facts.container, encoding.input);
    if let Some(video) = &facts.video {
        arguments.pair("-filter_complex", &run.pictures(video));
        arguments.add("-map [v]");
        arguments.pair("-streamid", &format!("0:{VIDEO_PID}"));
        run.encode_pictures(&mut arguments);
    }
    if let Some(audio) = &facts.audio {
        arguments.pair("-filter_complex", &run.sound(audio.index));
        arguments.add("-map [a] -c:a aac -b:a 128k");
        let number = usize::from(facts.video.is_some());
        arguments.pair("-streamid", &format!("{number}:{AUDIO_PID}"));
    }
    arguments.add("-map_metadata -1 -map_chapters -1 -sn -dn");
    // The streams come in the order of their time, however long one is silent:
    // so the same pictures and sounds are in the same piece in every run.
    arguments.add("-max_interleave_delta 0 -max_muxing_queue_size 100000");
    arguments.pair("-output_ts_offset", &OFFSET_SECONDS.to_string());
    arguments.add("-avoid_negative_ts disabled -muxdelay 0 -muxpreload 0 -flush_packets 1");
    arguments.add("-pat_period 3600 -sdt_period 3600 -pes_payload_size 0");
    arguments.pair("-mpegts_pmt_start_pid", &PMT_PID.to_string());
    arguments.add("-f mpegts pipe:1");
    arguments.0
}

/// Where time begins in a piece: what comes before the first picture, its
/// decoding and the silence that the encoder of sound begins with, is positive.
pub(crate) const OFFSET_SECONDS: u64 = 10;

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    /// Words of ours.
    fn add(&mut self, words: &str) {
        self.0.extend(words.split_whitespace().map(OsString::from));
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.0.push(name.into());
        self.0.push(value.into());
    }

    fn input(&mut self, container: Container, input: &str) {
        self.read(container, input);
        self.pair("-i", input);
    }

    /// How an input is read.
    fn read(&mut self, container: Container, input: &str) {
        let is_http = input.starts_with("http:");
        self.pair("-protocol_whitelist", if is_http { "http,tcp" } else { "file" });
        if is_http {
            self.add("-seekable 1 -multiple_requests 1");
        }
        self.pair("-format_whitelist", container.demuxer());
        self.pair("-codec_whitelist", DECODERS);
        self.add("-probesize 5M -analyzeduration 5M");
        self.pair("-f", container.demuxer());
    }
}

/// Times of one run, counted from the beginning of the source.
struct Run<'a> {
    plan: &'a Plan,
    format: StreamFormat,
    threads: usize,
    first_unit: u64,
    units: u64,
    /// The first sample; before the source it is silence.
    first_sample: i64,
    samples: u64,
    seek_micros: Option<u64>,
    size: (u32, u32),
}

impl<'a> Run<'a> {
    fn of(facts: &Facts, plan: &'a Plan, encoding: Encoding<'_>) -> Self {
        let first_unit = plan.first_unit(encoding.first_piece);
        let end = plan.first_unit(plan.run_end(encoding.first_piece));
        let border = plan.time_of(first_unit, SAMPLES) / SAMPLES_OF_FRAME;
        // The encoder of sound needs some frames to become independent of where
        // it began; they are thrown away.
        let lead = AUDIO_LEAD_FRAMES;
        let last = plan.time_of(end, SAMPLES).div_ceil(SAMPLES_OF_FRAME);
        let first_sample = (border as i64 - lead as i64) * SAMPLES_OF_FRAME as i64;
        let start = u64::try_from(first_sample).unwrap_or(0) * 1_000_000 / SAMPLES;
        let seek = start.saturating_sub(preroll_micros(facts));
        let can_seek = facts.container != Container::Gif && encoding.first_piece > 0 && seek > 0;
        Self {
            plan,
            format: encoding.format,
            threads: encoding.threads,
            first_unit,
            units: end.saturating_sub(first_unit),
            first_sample,
            samples: (last - border + lead) * SAMPLES_OF_FRAME,
            seek_micros: can_seek.then_some(seek),
            size: facts.video.as_ref().map_or((2, 2), |video| fit(video.size, encoding.format)),
        }
    }

    /// From the source's pictures to those of the grid. The first `fps` puts
    /// them on it, and the last one is held for as long as it takes; the second
    /// begins exactly with the piece.
    fn pictures(&self, video: &Video) -> String {
        let rate = self.plan.rate();
        let (rate, base) =
            (format!("{}/{}", rate.over, rate.under), format!("{}/{}", rate.under, rate.over));
        let start = self.plan.time_of(self.first_unit, 1_000_000) as f64 / 1e6;
        let deinterlace = if video.interlaced { "yadif=deint=interlaced," } else { "" };
        let ((width, height), index, units) = (self.size, video.index, self.units);
        format!(
            "[0:{index}]{deinterlace}settb={base},fps={rate},scale={width}:{height}:flags=bilinear,\
             setsar=1,format=yuv420p,tpad=stop=-1:stop_mode=clone,fps={rate}:start_time={start:.6},\
             trim=end_frame={units}[v]"
        )
    }

    /// The source's sound laid over silence, which begins and ends where the
    /// run does, whatever the source has. `first_pts` counts samples of what
    /// comes in, and so the rate is made ours before.
    fn sound(&self, index: u32) -> String {
        let (first, samples) = (self.first_sample, self.samples);
        format!(
            "anullsrc=r={SAMPLES}:cl=stereo,aformat=fltp,atrim=end_sample={samples},\
             asetpts=PTS+{first}[silence];\
             [0:{index}]aresample={SAMPLES},aresample={SAMPLES}:async=1:first_pts={first}:ochl=stereo:osf=fltp[sound];\
             [silence][sound]amix=inputs=2:duration=first:dropout_transition=0:normalize=0[a]"
        )
    }

    fn encode_pictures(&self, arguments: &mut Arguments) {
        let (kilobits, piece) = (kilobits(self.format), self.plan.units_of_piece());
        // Without B-frames a piece's pictures begin when its sound does: browsers
        // start at once, instead of waiting for two pictures to be put in order.
        arguments.add("-fps_mode passthrough -c:v libx264 -preset veryfast -profile:v main -bf 0");
        arguments.add(&format!("-crf 23 -maxrate {kilobits}k -bufsize {}k", 2 * kilobits));
        // A piece begins with the only picture that needs no other.
        arguments.add(&format!("-g {piece} -keyint_min {piece} -sc_threshold 0"));
        arguments.add(&format!("-threads:v {}", self.threads));
    }
}

/// Frames of sound that a run makes before its piece.
const AUDIO_LEAD_FRAMES: u64 = 10;

/// How long before the first sample the reading begins. Most demuxers go to a
/// picture that can be decoded; those of MPEG streams to any, and it comes late.
fn preroll_micros(facts: &Facts) -> u64 {
    let is_stream = matches!(facts.container, Container::MpegPs | Container::MpegTs);
    match facts.video.as_ref().map(|video| video.codec.as_str()) {
        Some("mpeg1video" | "mpeg2video") if is_stream => 2_000_000,
        Some(_) if is_stream => 10_500_000,
        _ => 500_000,
    }
}

/// A size of the same shape within a format, even as the encoder wants it, and
/// never larger than the picture.
fn fit((width, height): (u32, u32), format: StreamFormat) -> (u32, u32) {
    let (long, short) = format.bounds();
    let (longer, shorter) = (f64::from(width.max(height)), f64::from(width.min(height)));
    let scale = (f64::from(short) / shorter)
        .min(long.map_or(f64::INFINITY, |long| f64::from(long) / longer))
        // A bound for the shapes that the auto formats leave open.
        .min(f64::from(LONG_MAX) / longer)
        .min(1.0);
    let even = |side: u32| ((f64::from(side) * scale / 2.0).round() as u32 * 2).max(2);
    (even(width), even(height))
}

/// The longer side of an auto format.
const LONG_MAX: u32 = 2560;

/// The most that a format needs in a second.
fn kilobits(format: StreamFormat) -> u32 {
    match format {
        StreamFormat::M3u8_320x240 => 400,
        StreamFormat::M3u8_480x224 => 600,
        StreamFormat::M3u8_480x360 => 800,
        StreamFormat::M3u8_640x480 => 1200,
        StreamFormat::M3u8_854x480 | StreamFormat::M3u8Auto480 => 1500,
        StreamFormat::M3u8Auto720 => 3000,
    }
}

#[cfg(test)]
mod tests;
