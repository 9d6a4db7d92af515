//! Symbolic links that are followed.

use std::io;
use std::path::Path;

/// Whether a link leads to a directory that it lies in, on any of the ways
/// that led to it: whoever followed it would go round in a circle.
///
/// # Errors
/// When what it points to is not there, or cannot be looked at.
pub(crate) fn leads_back(link: &Path) -> io::Result<bool> {
    let target = link.canonicalize()?;
    let mut above = link.ancestors().skip(1).filter_map(|above| above.canonicalize().ok());
    Ok(above.any(|above| above.starts_with(&target)))
}
