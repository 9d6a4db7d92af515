use std::path::Path;

use pan_model::Md5;

use crate::Error;
use crate::local_file::LocalFile;

/// The md5 of a local file, to compare it with that of an
/// [`Entry`](crate::Entry). The file is read where it blocks nobody.
///
/// # Errors
/// [`Error::Local`] when it cannot be read or is no regular file;
/// [`Error::LocalChanged`] when it changed meanwhile.
pub async fn local_md5(path: impl AsRef<Path>) -> Result<Md5, Error> {
    let file = LocalFile::open(path.as_ref()).await?;
    file.md5().await
}

#[cfg(test)]
mod tests {
    use super::local_md5;

    #[tokio::test]
    async fn it_is_that_of_md5sum() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for (content, md5) in [
            (String::new(), "d41d8cd98f00b204e9800998ecf8427e"),
            (String::from("abc"), "900150983cd24fb0d6963f7d28e17f72"),
            ("a".repeat(1_000_000), "7707d6ae4e027c70eea2a935c2296f21"),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(local_md5(&path).await.unwrap().to_string(), md5);
        }
        assert!(local_md5(directory.path()).await.is_err());
    }
}
