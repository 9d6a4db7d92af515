//! Offline downloads: the replies of `services/cloud_dl` (pcs-rest 4.20).
//!
//! The book shows numbers, the service was seen to send their text; `task_info`
//! is an object by id in one call and an array in another. All of that is read.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::scalar::{any_text, maybe_number, number};

/// The reply of `add_task` (4.21).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AddTaskBody {
    /// The id of the new task.
    #[serde(deserialize_with = "number")]
    pub task_id: u64,
}

/// The reply of `query_task` (4.22).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueryTaskBody {
    /// The tasks, each with its id.
    #[serde(deserialize_with = "tasks")]
    pub task_info: Vec<TaskBody>,
}

/// The reply of `list_task` (4.23).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListTaskBody {
    /// The tasks of the page.
    #[serde(default, deserialize_with = "tasks")]
    pub task_info: Vec<TaskBody>,
    /// How many there are in all.
    #[serde(deserialize_with = "number")]
    pub total: u64,
}

/// What a reply says of a task. Every call says only some of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TaskBody {
    /// The id; 0 where it is the key of the task.
    #[serde(default, deserialize_with = "number")]
    pub task_id: u64,
    /// 1 when there is no such task.
    #[serde(default, deserialize_with = "maybe_number")]
    pub result: Option<u32>,
    /// What became of it so far (4.20).
    #[serde(default, deserialize_with = "maybe_number")]
    pub status: Option<u32>,
    /// What is fetched.
    #[serde(default, deserialize_with = "any_text")]
    pub source_url: String,
    /// Where it is saved.
    #[serde(default, deserialize_with = "any_text")]
    pub save_path: String,
    /// What the service calls it.
    #[serde(default, deserialize_with = "any_text")]
    pub task_name: String,
    /// What is called when it is done.
    #[serde(default, deserialize_with = "any_text")]
    pub callback: String,
    /// The limit of speed.
    #[serde(default, deserialize_with = "maybe_number")]
    pub rate_limit: Option<u64>,
    /// The limit of time, seconds.
    #[serde(default, deserialize_with = "maybe_number")]
    pub timeout: Option<u64>,
    /// Bytes in all.
    #[serde(default, deserialize_with = "maybe_number")]
    pub file_size: Option<u64>,
    /// Bytes that were fetched.
    #[serde(default, deserialize_with = "maybe_number")]
    pub finished_size: Option<u64>,
    /// When it was made, Unix seconds.
    #[serde(default, deserialize_with = "maybe_number")]
    pub create_time: Option<i64>,
    /// When it began, Unix seconds.
    #[serde(default, deserialize_with = "maybe_number")]
    pub start_time: Option<i64>,
    /// When it ended, Unix seconds.
    #[serde(default, deserialize_with = "maybe_number")]
    pub finish_time: Option<i64>,
}

/// An object of tasks by their ids, an array of tasks, or null.
fn tasks<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<TaskBody>, D::Error> {
    struct Tasks;

    impl<'de> Visitor<'de> for Tasks {
        type Value = Vec<TaskBody>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("tasks by their ids, or a list of tasks")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut tasks = Vec::new();
            while let Some((key, mut task)) = map.next_entry::<String, TaskBody>()? {
                if task.task_id == 0 {
                    task.task_id = key.trim().parse().unwrap_or_default();
                }
                tasks.push(task);
            }
            Ok(tasks)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut tasks = Vec::new();
            while let Some(task) = list.next_element()? {
                tasks.push(task);
            }
            Ok(tasks)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
    }

    input.deserialize_any(Tasks)
}

#[cfg(test)]
mod tests {
    use super::{ListTaskBody, QueryTaskBody};

    #[test]
    fn tasks_come_by_id_or_in_a_list_as_numbers_or_as_text() {
        let by_id: QueryTaskBody = serde_json::from_str(
            r#"{"task_info":{"26":{"result":0,"status":"1","file_size":"1024",
                "create_time":"UNIX_TIMESTAMP"},"27":{"result":1}}}"#,
        )
        .unwrap();
        assert_eq!(by_id.task_info.iter().map(|task| task.task_id).collect::<Vec<_>>(), [26, 27]);
        let task = &by_id.task_info[0];
        assert_eq!((task.status, task.file_size, task.create_time), (Some(1), Some(1024), None));
        assert_eq!(by_id.task_info[1].result, Some(1));
        for none in [r#"{"task_info":[],"total":0}"#, r#"{"task_info":null,"total":"0"}"#] {
            let list: ListTaskBody = serde_json::from_str(none).unwrap();
            assert_eq!((list.total, list.task_info.len()), (0, 0));
        }
    }
}
