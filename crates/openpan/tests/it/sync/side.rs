//! A tree that somebody edits: on a disk, or in the storage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pan_conformance::pcs::{Client, name_of};
use unicode_normalization::UnicodeNormalization;

/// What is in a tree, by path: the content of a file, `None` for a directory.
pub(crate) type Tree = BTreeMap<String, Option<String>>;

/// Where a tree is.
pub(crate) enum Place<'a> {
    Disk(PathBuf),
    Storage(&'a Client, String),
}

/// A tree, and what is known to be in it.
pub(crate) struct Side<'a> {
    place: Place<'a>,
    pub(crate) tree: Tree,
}

impl<'a> Side<'a> {
    pub(crate) fn new(place: Place<'a>) -> Self {
        Self { place, tree: Tree::new() }
    }

    pub(crate) fn is_local(&self) -> bool {
        matches!(self.place, Place::Disk(_))
    }

    /// Looks what is really there.
    pub(crate) fn look(&mut self) {
        self.tree.clear();
        match &self.place {
            Place::Disk(root) => read_disk(root, "", &mut self.tree),
            Place::Storage(client, root) => read_storage(client, root, "", &mut self.tree),
        }
    }

    /// How this side names a place: the storage takes two spellings for one.
    pub(crate) fn spelt(&self, path: &str) -> String {
        if self.is_local() { path.to_owned() } else { path.nfc().collect() }
    }

    fn is_dir(&self, path: &str) -> bool {
        self.tree.get(path) == Some(&None)
    }

    /// Whether something can be made at a path.
    fn is_free(&self, path: &str) -> bool {
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        !self.tree.contains_key(path)
            && above.all(|above| self.is_dir(above) || !self.tree.contains_key(above))
    }

    /// Writes a file, in place of one that is there. What that had is gone.
    pub(crate) fn write(&mut self, path: &str, content: &str) -> Vec<String> {
        if self.is_dir(path) || !(self.tree.contains_key(path) || self.is_free(path)) {
            return Vec::new();
        }
        match &self.place {
            Place::Disk(root) => {
                let file = root.join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, content).unwrap();
            }
            Place::Storage(client, root) => {
                let path = format!("{root}/{path}");
                client.put_ondup(&path, content.as_bytes(), "overwrite").ok();
            }
        }
        self.enter_parents(path);
        self.tree.insert(path.to_owned(), Some(content.to_owned())).flatten().into_iter().collect()
    }

    pub(crate) fn mkdir(&mut self, path: &str) {
        if !self.is_free(path) {
            return;
        }
        match &self.place {
            Place::Disk(root) => fs::create_dir_all(root.join(path)).unwrap(),
            Place::Storage(client, root) => drop(client.mkdir(&format!("{root}/{path}")).ok()),
        }
        self.enter_parents(path);
        self.tree.insert(path.to_owned(), None);
    }

    /// Renames to a free name. Says whether that could be done.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> bool {
        let into_itself = to.starts_with(&format!("{from}/"));
        if !self.tree.contains_key(from) || !self.is_free(to) || into_itself {
            return false;
        }
        match &self.place {
            Place::Disk(root) => {
                let target = root.join(to);
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                fs::rename(root.join(from), target).unwrap();
            }
            Place::Storage(client, root) => {
                client.mv(&format!("{root}/{from}"), &format!("{root}/{to}")).ok();
            }
        }
        self.enter_parents(to);
        for (path, content) in self.take(from) {
            self.tree.insert(format!("{to}{}", &path[from.len()..]), content);
        }
        true
    }

    /// Deletes whatever is there. What it had is gone.
    pub(crate) fn delete(&mut self, path: &str) -> Vec<String> {
        let Some(content) = self.tree.get(path) else { return Vec::new() };
        match (&self.place, content) {
            (Place::Disk(root), None) => fs::remove_dir_all(root.join(path)).unwrap(),
            (Place::Disk(root), Some(_)) => fs::remove_file(root.join(path)).unwrap(),
            (Place::Storage(client, root), _) => drop(client.rm(&format!("{root}/{path}")).ok()),
        }
        self.take(path).into_values().flatten().collect()
    }

    /// Writes a local file and gives it the time that it had.
    pub(crate) fn sneak(&mut self, path: &str, content: &str) -> Vec<String> {
        let Place::Disk(root) = &self.place else { return Vec::new() };
        let Some(Some(_)) = self.tree.get(path) else { return Vec::new() };
        let file = root.join(path);
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        let gone = self.write(path, content);
        fs::File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
        gone
    }

    /// Changes the time of a local file and nothing else.
    pub(crate) fn touch(&self, path: &str) {
        if let (Place::Disk(root), Some(Some(_))) = (&self.place, self.tree.get(path)) {
            let file = fs::File::options().write(true).open(root.join(path)).unwrap();
            file.set_modified(std::time::SystemTime::now()).unwrap();
        }
    }

    fn enter_parents(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            self.tree.insert(path[..end].to_owned(), None);
        }
    }

    /// Takes something and all below it out of what is known.
    fn take(&mut self, path: &str) -> Tree {
        let below = format!("{path}/");
        let is_within = |other: &String| other == path || other.starts_with(&below);
        let taken = self.tree.iter().filter(|(other, _)| is_within(other));
        let taken: Tree = taken.map(|(path, content)| (path.clone(), content.clone())).collect();
        self.tree.retain(|other, _| !is_within(other));
        taken
    }
}

fn read_disk(root: &Path, above: &str, tree: &mut Tree) {
    for entry in fs::read_dir(root.join(above)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // What a killed run was making: nobody's file.
        if name.starts_with(".pan-") && name.ends_with(".part") {
            continue;
        }
        let path = if above.is_empty() { name } else { format!("{above}/{name}") };
        if entry.file_type().unwrap().is_dir() {
            read_disk(root, &path, tree);
            tree.insert(path, None);
        } else {
            let content = String::from_utf8(fs::read(entry.path()).unwrap()).unwrap();
            tree.insert(path, Some(content));
        }
    }
}

fn read_storage(client: &Client, root: &str, above: &str, tree: &mut Tree) {
    let directory = format!("{root}/{above}");
    let reply = client.list(directory.trim_end_matches('/'));
    if reply.code() == Some(31066) {
        return;
    }
    for entry in reply.ok()["list"].as_array().unwrap() {
        let name: String = name_of(entry).nfc().collect();
        let path = if above.is_empty() { name } else { format!("{above}/{name}") };
        if entry["isdir"] == 1 {
            read_storage(client, root, &path, tree);
            tree.insert(path, None);
        } else {
            let reply = client.get(&format!("{root}/{path}"));
            let content = String::from_utf8(reply.file().to_vec()).unwrap();
            tree.insert(path, Some(content));
        }
    }
}
