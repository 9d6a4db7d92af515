//! The table of calls: object + `method` parameter, never the HTTP verb
//! (pcs-rest 1.1, 1.2, 1.4).

/// The objects of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Object {
    /// `quota`
    Quota,
    /// `file`
    File,
    /// `thumbnail`
    Thumbnail,
    /// `stream`
    Stream,
    /// `services/cloud_dl`
    CloudDl,
}

impl Object {
    /// The object of a decoded request path, in every spelling that the book
    /// and real clients use; `None` for a path that is no PCS call.
    pub fn of_path(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/rest/2.0/")?;
        let rest = rest.strip_prefix("pcs/").unwrap_or(rest);
        match rest.strip_suffix('/').unwrap_or(rest) {
            "quota" => Some(Self::Quota),
            "file" => Some(Self::File),
            "thumbnail" => Some(Self::Thumbnail),
            "stream" => Some(Self::Stream),
            "services/cloud_dl" | "service/cloud_dl" => Some(Self::CloudDl),
            _ => None,
        }
    }

    /// The canonical spelling, below `/rest/2.0/pcs/`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::File => "file",
            Self::Thumbnail => "thumbnail",
            Self::Stream => "stream",
            Self::CloudDl => "services/cloud_dl",
        }
    }
}

/// The calls that OpenPan answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `quota?method=info` (4.1)
    Quota,
    /// `file?method=upload` (4.2)
    Upload,
    /// `file?method=upload&type=tmpfile` (4.3)
    UploadTmpfile,
    /// `file?method=createsuperfile` (4.4)
    CreateSuperfile,
    /// `file?method=download` and `stream?method=download` (4.5, 4.18)
    Download,
    /// `file?method=mkdir` (4.6)
    Mkdir,
    /// `file?method=meta` (4.7, 4.8)
    Meta,
    /// `file?method=list` (4.9)
    List,
    /// `file?method=move` (4.10)
    Move,
    /// `file?method=copy` (4.11)
    Copy,
    /// `file?method=delete` (4.12)
    Delete,
    /// `file?method=diff` (4.15)
    Diff,
    /// `file?method=listrecycle` (4.25)
    ListRecycle,
    /// `file?method=restore` (4.25)
    Restore,
    /// `file?method=delete&type=recycle` (4.25)
    EmptyRecycle,
    /// `file?method=search` (4.13)
    Search,
    /// `stream?method=list` (4.17)
    ListMedia,
    /// `thumbnail?method=generate` (4.14)
    Thumbnail,
    /// `file?method=streaming` (4.16)
    Streaming,
    /// `file?method=rapidupload` (4.19)
    RapidUpload,
    /// `file?method=rapidprobe` (4.26)
    RapidProbe,
    /// `file?method=extensions` (4.26)
    Extensions,
    /// `file?method=bulkupload` (4.26)
    BulkUpload,
}

/// The HTTP verbs that a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbs {
    /// GET and POST alike: real clients mix them.
    GetPost,
    /// GET, POST and HEAD.
    GetPostHead,
    /// POST only: the call has content.
    Post,
}

/// What a call does with the file part of a multipart body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePart {
    /// It is the content.
    Content,
    /// It is read and discarded: baidupan sends its last file again and again.
    Ignored,
}

/// One row of the table of calls.
#[derive(Debug, Clone, Copy)]
pub struct MethodSpec {
    /// The call.
    pub method: Method,
    /// Its object.
    pub object: Object,
    /// The value of its `method` parameter.
    pub name: &'static str,
    /// The value of `type` that tells it from another call of the same name.
    pub type_value: Option<&'static str>,
    /// The HTTP verbs it takes.
    pub verbs: Verbs,
    /// What it does with a file part.
    pub file_part: FilePart,
    /// The parameters it reads beside `method` and `access_token`.
    pub params: &'static [&'static str],
}

const fn row(
    method: Method,
    object: Object,
    name: &'static str,
    params: &'static [&'static str],
) -> MethodSpec {
    MethodSpec {
        method,
        object,
        name,
        type_value: None,
        verbs: Verbs::GetPost,
        file_part: FilePart::Ignored,
        params,
    }
}

const UPLOAD: MethodSpec = MethodSpec {
    verbs: Verbs::Post,
    file_part: FilePart::Content,
    ..row(
        Method::Upload,
        Object::File,
        "upload",
        &["path", "dir", "filename", "ondup", "content-md5", "content-blake3"],
    )
};
const DOWNLOAD: MethodSpec = MethodSpec {
    verbs: Verbs::GetPostHead,
    ..row(Method::Download, Object::File, "download", &["path"])
};

/// Every call, a row each.
pub const METHODS: &[MethodSpec] = &[
    row(Method::Quota, Object::Quota, "info", &[]),
    MethodSpec {
        method: Method::UploadTmpfile,
        type_value: Some("tmpfile"),
        params: &["type", "content-md5", "content-blake3"],
        ..UPLOAD
    },
    UPLOAD,
    row(
        Method::CreateSuperfile,
        Object::File,
        "createsuperfile",
        &["path", "dir", "filename", "ondup", "param"],
    ),
    DOWNLOAD,
    MethodSpec { object: Object::Stream, ..DOWNLOAD },
    row(Method::Mkdir, Object::File, "mkdir", &["path"]),
    row(Method::Meta, Object::File, "meta", &["path", "param"]),
    row(Method::List, Object::File, "list", &["path", "by", "order", "limit"]),
    row(Method::Move, Object::File, "move", &["from", "to", "param"]),
    row(Method::Copy, Object::File, "copy", &["from", "to", "param"]),
    // Before the other: whatever path comes along, this form means the bin.
    MethodSpec {
        type_value: Some("recycle"),
        ..row(Method::EmptyRecycle, Object::File, "delete", &["type"])
    },
    row(Method::Delete, Object::File, "delete", &["path", "param"]),
    row(Method::Diff, Object::File, "diff", &["cursor"]),
    row(Method::ListRecycle, Object::File, "listrecycle", &["start", "limit"]),
    row(Method::Restore, Object::File, "restore", &["fs_id", "param"]),
    row(Method::Search, Object::File, "search", &["path", "wd", "re", "limit"]),
    row(Method::ListMedia, Object::Stream, "list", &["type", "start", "limit", "filter_path"]),
    MethodSpec {
        verbs: Verbs::GetPostHead,
        ..row(
            Method::Thumbnail,
            Object::Thumbnail,
            "generate",
            &["path", "width", "height", "quality"],
        )
    },
    MethodSpec {
        verbs: Verbs::GetPostHead,
        ..row(Method::Streaming, Object::File, "streaming", &["path", "type"])
    },
    row(
        Method::RapidUpload,
        Object::File,
        "rapidupload",
        &["path", "content-length", "content-md5", "slice-md5", "content-crc32", "ondup"],
    ),
    row(Method::RapidProbe, Object::File, "rapidprobe", &["content-length", "slice-md5"]),
    row(Method::Extensions, Object::File, "extensions", &[]),
    MethodSpec { verbs: Verbs::Post, ..row(Method::BulkUpload, Object::File, "bulkupload", &[]) },
];

impl MethodSpec {
    /// The row of a call. `type_value` is the `type` parameter, if any; it
    /// decides only where a row asks for it.
    pub fn find(object: Object, name: &str, type_value: Option<&str>) -> Option<&'static Self> {
        METHODS.iter().find(|row| {
            row.object == object
                && row.name == name
                && (row.type_value.is_none() || row.type_value == type_value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, MethodSpec, Object};

    #[test]
    fn every_spelling_of_a_path_is_known() {
        for (path, object) in [
            ("/rest/2.0/pcs/file", Some(Object::File)),
            ("/rest/2.0/pcs/file/", Some(Object::File)),
            ("/rest/2.0/file", Some(Object::File)),
            ("/rest/2.0/pcs/service/cloud_dl", Some(Object::CloudDl)),
            ("/rest/2.0/services/cloud_dl", Some(Object::CloudDl)),
            ("/rest/2.0/pcs/stream", Some(Object::Stream)),
            ("/rest/2.0/pcs/nothing", None),
            ("/rest/2.0/pcs/file//", None),
            ("/rest/2.0/", None),
            ("/", None),
        ] {
            assert_eq!(Object::of_path(path), object, "{path}");
        }
    }

    #[test]
    fn the_type_parameter_tells_deletes_apart() {
        let find = |kind| MethodSpec::find(Object::File, "delete", kind).map(|row| row.method);
        assert_eq!(find(None), Some(Method::Delete));
        assert_eq!(find(Some("other")), Some(Method::Delete));
        assert_eq!(find(Some("recycle")), Some(Method::EmptyRecycle));
    }

    #[test]
    fn the_type_parameter_tells_uploads_apart() {
        let find = |kind| MethodSpec::find(Object::File, "upload", kind).map(|row| row.method);
        assert_eq!(find(None), Some(Method::Upload));
        assert_eq!(find(Some("other")), Some(Method::Upload));
        assert_eq!(find(Some("tmpfile")), Some(Method::UploadTmpfile));
        assert!(MethodSpec::find(Object::Quota, "upload", None).is_none());
    }
}
