use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DURATION_MAX, Facts, PIXELS_MAX, SIDE_MAX, is_upright, ratio};
use crate::hls::{Container, Plan};

fn parse(answer: &Value) -> Result<Facts, String> {
    Facts::parse(Container::Mov, answer.to_string().as_bytes())
}

/// A video of ten seconds whose stream says this, too.
fn video(more: Value) -> Value {
    let mut stream = json!({
        "index": 0, "codec_name": "h264", "codec_type": "video", "width": 1920, "height": 1080,
        "r_frame_rate": "25/1", "avg_frame_rate": "25/1",
    });
    if let (Value::Object(stream), Value::Object(more)) = (&mut stream, more) {
        stream.extend(more);
    }
    json!({"streams": [stream], "format": {"duration": "10.0"}})
}

#[test]
fn a_picture_has_the_size_that_is_seen() {
    let table = [
        (json!({}), (1920, 1080)),
        (json!({"sample_aspect_ratio": "1:1"}), (1920, 1080)),
        (json!({"width": 720, "height": 576, "sample_aspect_ratio": "64:45"}), (1024, 576)),
        (json!({"sample_aspect_ratio": "0:1"}), (1920, 1080)),
        (json!({"sample_aspect_ratio": "1:1000"}), (1920, 1080)),
        (json!({"sample_aspect_ratio": "N/A"}), (1920, 1080)),
        (json!({"side_data_list": [{"rotation": -90}]}), (1080, 1920)),
        (json!({"side_data_list": [{}, {"rotation": 270.0}]}), (1080, 1920)),
        (json!({"side_data_list": [{"rotation": 180}]}), (1920, 1080)),
        (json!({"sample_aspect_ratio": "4:3", "side_data_list": [{"rotation": 90}]}), (1080, 2560)),
        (json!({"width": 1, "height": 1, "sample_aspect_ratio": "1:10"}), (1, 1)),
    ];
    for (more, size) in table {
        let facts = parse(&video(more.clone())).unwrap();
        assert_eq!(facts.video.unwrap().size, size, "{more}");
    }
    assert!(!is_upright(f64::NAN) && !is_upright(f64::INFINITY));
}

#[test]
fn nonsense_is_refused_or_ignored() {
    let refused = [
        json!({}),
        json!({"streams": []}),
        json!({"streams": [], "format": {"duration": "10"}}),
        video(json!({"width": 0})),
        video(json!({"width": -1})),
        video(json!({"width": u64::MAX})),
        video(json!({"width": u32::MAX, "sample_aspect_ratio": "10:1"})),
        video(json!({"width": SIDE_MAX, "height": SIDE_MAX})),
        video(json!({"height": SIDE_MAX + 1, "width": 2})),
        // The cover of an album, alone.
        video(json!({"disposition": {"attached_pic": 1}})),
        video(json!({"codec_name": null})),
        json!({"streams": [{"index": 0, "codec_type": "audio"}], "format": {"duration": "1"}}),
    ];
    for answer in refused {
        assert!(parse(&answer).is_err(), "{answer}");
    }
    for duration in ["", "N/A", "nan", "inf", "-1", "0", "0.0", "1e308", "-9223372036854775808"] {
        let mut answer = video(json!({}));
        answer["format"]["duration"] = duration.into();
        assert!(parse(&answer).is_err(), "{duration}");
        answer["streams"][0]["duration"] = "7.5".into();
        assert_eq!(parse(&answer).unwrap().duration.as_millis(), 7500, "{duration}");
    }
    for rate in ["0/0", "1/0", "-1/1", "nan/1", "inf/1", "25", "", "9223372036854775807/1"] {
        let answer = video(json!({"r_frame_rate": rate, "avg_frame_rate": rate}));
        let facts = parse(&answer).unwrap();
        let rate = Plan::of(&facts).unwrap().rate();
        assert_eq!((rate.over, rate.under), (30, 1));
    }
    assert!(Facts::parse(Container::Mov, b"").is_err());
    assert!(Facts::parse(Container::Mov, &[0xff; 100]).is_err());
}

#[test]
fn the_sound_is_the_one_the_container_prefers() {
    let sound = |index: u32, default: i32| json!({"index": index, "codec_type": "audio", "codec_name": "aac", "disposition": {"default": default}});
    let of = |streams: Value| {
        let answer = json!({"streams": streams, "format": {"duration": "10"}});
        parse(&answer).unwrap().audio.unwrap().index
    };
    assert_eq!(of(json!([sound(1, 0), sound(2, 1), sound(3, 1)])), 2);
    assert_eq!(of(json!([sound(1, 0), sound(2, 0)])), 1);
    let unknown = json!({"index": 0, "codec_type": "audio", "disposition": {"default": 1}});
    assert_eq!(of(json!([unknown, sound(4, 0)])), 4);
}

/// What a field of an answer may be, when a file has made it up.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        12 => Just(Value::Null),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u32>().prop_map(Value::from),
        1 => (1_u32..9000).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| number.to_string().into()),
        1 => (any::<i64>(), any::<i64>(), "[/:]").prop_map(|(a, b, by)| format!("{a}{by}{b}").into()),
        1 => (1_u32..100_000, 1_u32..2000).prop_map(|(a, b)| format!("{a}/{b}").into()),
        1 => "[a-z0-9:/.-]{0,12}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn whatever_ffprobe_says_a_plan_is_bounded_or_refused(
        fields in prop::collection::vec(anything(), 9),
        rotation in any::<f64>(),
    ) {
        let names = [
            "width", "height", "sample_aspect_ratio", "r_frame_rate", "avg_frame_rate", "duration",
            "field_order", "codec_name",
        ];
        let mut answer = video(json!({"side_data_list": [{"rotation": rotation}]}));
        for (name, value) in names.iter().zip(&fields).filter(|(_, value)| !value.is_null()) {
            answer["streams"][0][name] = value.clone();
        }
        answer["format"]["duration"] = fields[8].clone();
        if fields[8].is_null() {
            answer["format"]["duration"] = "0.2".into();
        }
        if let Ok(facts) = parse(&answer) {
            prop_assert!(facts.duration <= DURATION_MAX);
            if let Some(video) = &facts.video {
                let (width, height) = video.size;
                prop_assert!(width > 0 && height > 0);
                prop_assert!(u64::from(width) * u64::from(height) <= PIXELS_MAX);
            }
            let timeline = Plan::of(&facts).unwrap().timeline();
            prop_assert!((1..=25_000).contains(&timeline.pieces));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,20}") {
        let _ = Facts::parse(Container::Mov, &bytes);
        let _ = ratio(&text, '/');
    }
}
