use crate::{PanPath, PathRules, UserNo};

/// How the md5 of an entry is written in replies to this caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Md5Style {
    /// 32 lower-case hex digits, as the PCS book documents.
    #[default]
    Plain,
    /// The scrambled form that Baidu's servers send and bypy expects (pcs-rest 9.1).
    Baidu,
}

impl Md5Style {
    /// The word used on the command line and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Baidu => "baidu",
        }
    }

    /// Reads the word back; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "plain" => Some(Self::Plain),
            "baidu" => Some(Self::Baidu),
            _ => None,
        }
    }
}

/// Who asks, and what their token lets them reach.
///
/// Only authentication makes one; every method of `Pan` takes it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user whose tree this is.
    pub user: UserNo,
    /// Nothing outside this directory exists for the caller (error 31064).
    pub root: PanPath,
    /// Which names this caller may create.
    pub rules: PathRules,
    /// How md5 values are written in this caller's replies.
    pub md5_style: Md5Style,
}
