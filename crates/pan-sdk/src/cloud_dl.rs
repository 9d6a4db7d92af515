//! Offline downloads: what the service fetches by itself (pcs-rest 4.20).
//!
//! An OpenPan server does not fetch anything yet: it refuses these calls with 3.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use futures_util::stream::{self, Stream, TryStreamExt};
use pan_model::{ByteSize, PanPath, Timestamp};
use pan_pcs::{AddTaskBody, ListTaskBody, Object, QueryTaskBody, TaskBody};
use serde::de::IgnoredAny;

use crate::call::Call;
use crate::{Client, Error};

/// How many tasks are asked for in one call.
const PAGE_TASKS: u64 = 100;

/// The id of an offline download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

impl fmt::Display for TaskId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for TaskId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How something is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskOptions {
    /// The most that is fetched a second; unlimited unless set. The manuals
    /// name no unit, services take KB.
    pub rate_limit: Option<u64>,
    /// How long it may take, in whole seconds; an hour unless set.
    pub timeout: Option<Duration>,
    /// A URL that the service calls when it is done.
    pub callback: Option<String>,
}

/// What became of a task so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskStatus {
    /// 0: the file is there.
    Finished,
    /// 1: it is waited for or fetched.
    Running,
    /// 2: the service failed.
    SystemError,
    /// 3: there is nothing at the source.
    SourceMissing,
    /// 4: it took too long.
    TimedOut,
    /// 5: the source is there, but could not be fetched.
    Failed,
    /// 6: the account has no room.
    NoRoom,
    /// 7: the target exists. Some services number this and the next the other
    /// way round (pcs-rest 4.20).
    TargetExists,
    /// 8: it was cancelled.
    Cancelled,
    /// Another number, newer than the manuals.
    Other(u32),
}

impl TaskStatus {
    /// The number of it in the API.
    pub fn code(self) -> u32 {
        match self {
            Self::Finished => 0,
            Self::Running => 1,
            Self::SystemError => 2,
            Self::SourceMissing => 3,
            Self::TimedOut => 4,
            Self::Failed => 5,
            Self::NoRoom => 6,
            Self::TargetExists => 7,
            Self::Cancelled => 8,
            Self::Other(code) => code,
        }
    }

    /// The status of a number.
    pub fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Finished,
            1 => Self::Running,
            2 => Self::SystemError,
            3 => Self::SourceMissing,
            4 => Self::TimedOut,
            5 => Self::Failed,
            6 => Self::NoRoom,
            7 => Self::TargetExists,
            8 => Self::Cancelled,
            other => Self::Other(other),
        }
    }
}

/// What a service tells of a task. Each call tells only some of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// The id.
    pub id: TaskId,
    /// What became of it so far.
    pub status: Option<TaskStatus>,
    /// What is fetched.
    pub source_url: Option<String>,
    /// Where it is saved: text, for it need not be a path yet.
    pub save_path: Option<String>,
    /// What the service calls it.
    pub name: Option<String>,
    /// What is called when it is done.
    pub callback: Option<String>,
    /// The limit of speed, in the unit of [`TaskOptions::rate_limit`].
    pub rate_limit: Option<u64>,
    /// The limit of time.
    pub timeout: Option<Duration>,
    /// Bytes in all, once the service knows.
    pub size: Option<ByteSize>,
    /// Bytes that were fetched so far.
    pub fetched: Option<ByteSize>,
    /// When it was added.
    pub created: Option<Timestamp>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

impl Task {
    fn read(body: TaskBody) -> Self {
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: TaskId(body.task_id),
            status: body.status.map(TaskStatus::from_code),
            source_url: said(body.source_url),
            save_path: said(body.save_path),
            name: said(body.task_name),
            callback: said(body.callback),
            rate_limit: body.rate_limit.filter(|&limit| limit != 0),
            timeout: body.timeout.map(Duration::from_secs),
            size: body.file_size.map(ByteSize),
            fetched: body.finished_size.map(ByteSize),
            created: body.create_time.map(Timestamp),
            started: body.start_time.map(Timestamp),
            finished: body.finish_time.map(Timestamp),
        }
    }
}

/// What [`Client::query_task`] asks for (`op_type`). Some services tell both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaskDetail {
    /// 0: what was asked for: source, target, limits, callback.
    Request,
    /// 1: sizes and times.
    #[default]
    Progress,
}

/// Which tasks are listed, and in what order. All, the latest first, unless set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskFilter {
    /// The earliest first.
    pub ascending: bool,
    /// Only those with this source.
    pub source_url: Option<String>,
    /// Only those with this target.
    pub save_path: Option<PanPath>,
    /// Only those that were added in this second.
    pub created: Option<Timestamp>,
    /// Only those with this status.
    pub status: Option<TaskStatus>,
    /// Only their ids are told.
    pub ids_only: bool,
}

/// A page of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskPage {
    /// How many there are in all.
    pub total: u64,
    /// Those of the page.
    pub tasks: Vec<Task>,
}

impl Client {
    /// Has the service fetch a URL into a file (pcs-rest 4.21). It returns at
    /// once; [`query_task`](Self::query_task) tells what becomes of it.
    ///
    /// # Errors
    /// 36013 for too many tasks, 36014 when `save_path` is the target of
    /// another task, 36020 and 36037 for a URL that is not fetched, 36009
    /// when the account has no room.
    pub async fn add_task(
        &self,
        source_url: &str,
        save_path: &PanPath,
        options: &TaskOptions,
    ) -> Result<TaskId, Error> {
        let mut call = self.task_call("add_task").with("source_url", source_url);
        call = call.with("save_path", save_path.as_str());
        if let Some(limit) = options.rate_limit {
            call = call.with("rate_limit", limit.to_string());
        }
        if let Some(timeout) = options.timeout {
            call = call.with("timeout", timeout.as_secs().to_string());
        }
        if let Some(callback) = &options.callback {
            call = call.with("callback", callback.as_str());
        }
        let body: AddTaskBody = self.ask(&call).await?;
        Ok(TaskId(body.task_id))
    }

    /// What became of tasks (pcs-rest 4.22), in the order of the ids; `None`
    /// for one that the service does not know. More than 100 are asked for in
    /// several calls.
    ///
    /// # Errors
    /// Those of any call; some services refuse with 36016 when they know none.
    pub async fn query_task(
        &self,
        ids: &[TaskId],
        detail: TaskDetail,
    ) -> Result<Vec<Option<Task>>, Error> {
        let mut tasks = Vec::with_capacity(ids.len());
        for slice in ids.chunks(PAGE_TASKS as usize) {
            let text = slice.iter().map(TaskId::to_string).collect::<Vec<_>>().join(",");
            let detail = if detail == TaskDetail::Request { "0" } else { "1" };
            let call = self.task_call("query_task").harmless_if(true);
            let call = call.with("task_ids", text).with("op_type", detail);
            let body: QueryTaskBody = self.ask(&call).await?;
            let known = |body: &&TaskBody| body.result.is_none_or(|result| result == 0);
            let task = |id: &TaskId| {
                let mut all = body.task_info.iter();
                let found = all.find(|body| body.task_id == id.0).filter(known);
                found.cloned().map(Task::read)
            };
            tasks.extend(slice.iter().map(task));
        }
        Ok(tasks)
    }

    /// Lists tasks: up to `limit` of them after the first `start` (pcs-rest
    /// 4.23).
    ///
    /// # Errors
    /// Those of any call.
    pub async fn list_task(
        &self,
        filter: &TaskFilter,
        start: u64,
        limit: u64,
    ) -> Result<TaskPage, Error> {
        let mut call = self.task_call("list_task").harmless_if(true);
        call = call.with("start", start.to_string()).with("limit", limit.to_string());
        call = call.with("asc", if filter.ascending { "1" } else { "0" });
        call = call.with("need_task_info", if filter.ids_only { "0" } else { "1" });
        if let Some(url) = &filter.source_url {
            call = call.with("source_url", url.as_str());
        }
        if let Some(path) = &filter.save_path {
            call = call.with("save_path", path.as_str());
        }
        if let Some(created) = filter.created {
            call = call.with("create_time", created.0.to_string());
        }
        if let Some(status) = filter.status {
            call = call.with("status", status.code().to_string());
        }
        let body: ListTaskBody = self.ask(&call).await?;
        let tasks = body.task_info.into_iter().map(Task::read).collect();
        Ok(TaskPage { total: body.total, tasks })
    }

    /// Lists all tasks, a page of 100 at a time.
    ///
    /// A task that is added or removed meanwhile may shift the pages, so that
    /// a neighbour is missed or comes twice.
    ///
    /// # Errors
    /// The stream ends with the first error, which is one of
    /// [`list_task`](Self::list_task).
    pub fn list_task_all(
        &self,
        filter: &TaskFilter,
    ) -> impl Stream<Item = Result<Task, Error>> + Send + use<> {
        let (client, filter) = (self.clone(), filter.clone());
        let pages = stream::try_unfold(Some(0), move |start| {
            let (client, filter) = (client.clone(), filter.clone());
            async move {
                let Some(start) = start else { return Ok(None) };
                let page = client.list_task(&filter, start, PAGE_TASKS).await?;
                let end = start + page.tasks.len() as u64;
                let next = (!page.tasks.is_empty() && end < page.total).then_some(end);
                Ok::<_, Error>(Some((page.tasks, next)))
            }
        });
        pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
    }

    /// Cancels a task (pcs-rest 4.24).
    ///
    /// # Errors
    /// 36016 for a task that the service does not know, 36017 for one that is
    /// over.
    pub async fn cancel_task(&self, id: TaskId) -> Result<(), Error> {
        let call = self.task_call("cancel_task").with("task_id", id.to_string());
        self.ask::<IgnoredAny>(&call).await.map(|_| ())
    }

    fn task_call(&self, method: &'static str) -> Call {
        let call = Call::post_to(Object::CloudDl, method);
        match self.task_expiry() {
            Some(expiry) => call.with("expires", expiry.0.to_string()),
            None => call,
        }
    }
}
