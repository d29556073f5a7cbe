//! What runs when a job, an event or a question to a policy is handed to the framework?

use super::super::call::Args;
use super::super::value::{Data, SCALAR, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::ClassId;
use crate::packs::Op;

impl<'a> Engine<'a> {
    /// Something is handed to a queue or a dispatcher: it runs on its own, outside the loops around the call.
    pub(in super::super) fn dispatched(&mut self, fr: &mut Frame<'a>, op: &Op, how: Name, args: &Args, range: Range) -> Val {
        let job = self.subject(op, args);
        self.run_job(fr, job, how, range);
        UNKNOWN
    }

    fn run_job(&mut self, fr: &mut Frame<'a>, job: Val, how: Name, range: Range) {
        let Data::Object { class, .. } = *self.data(job) else {
            return;
        };
        let method = self.word(fr, "job-method");
        // What no queue takes runs at once, in the loops around the call.
        let is_now = self.words(fr, "job-now").contains(&how)
            || (self.words(fr, "job-queued").contains(&how) && !self.has_role(class, "queued"));
        if is_now && let Some((_, f)) = self.ix.find_method(class, method) {
            self.call_function(fr, f, job, Args::default(), range);
            return;
        }
        if let Some((_, f)) = self.ix.find_method(class, method) {
            let mut alone = self.frame(fr.f, fr.this);
            self.call_function(&mut alone, f, job, Args::default(), range);
            // What is left needs a loop of the caller, and the job does not run in it.
            alone.buffer.clear();
            self.finish(alone);
        }
    }

    /// `SendReport::dispatch($rows)`
    pub(super) fn job_static(
        &mut self,
        fr: &mut Frame<'a>,
        class: ClassId,
        name: Name,
        args: &Args,
        range: Range,
    ) -> Option<Val> {
        if !self.words(fr, "job-dispatch").contains(&name) {
            return None;
        }
        let target = self.v.of(Data::Class(class));
        let job = self.construct(fr, target, args.clone(), range);
        self.run_job(fr, job, name, range);
        Some(UNKNOWN)
    }

    /// `$user->can('update', $post)`: the method of the row's policy runs.
    pub(in super::super) fn ask_policy(&mut self, fr: &mut Frame<'a>, user: Val, args: &Args, range: Range) -> Val {
        let Some(Data::Str(ability)) = args.positional.first().map(|v| self.data(*v).clone()) else {
            return SCALAR;
        };
        let method = Name::new(&super::super::orm::fill("{camel}", ability.as_str()));
        let Some(subject) = args.positional.get(1).copied() else {
            return SCALAR;
        };
        let (subject, rest) = match self.data(subject).clone() {
            Data::Tuple(items) if !items.is_empty() => (items[0], items[1..].to_vec()),
            _ => (subject, args.positional[2..].to_vec()),
        };
        for one in self.v.alternatives(subject) {
            let model = match self.data(one) {
                Data::Row(row) => Some(row.model),
                Data::Class(class) => self.ix.class(*class).model,
                _ => None,
            };
            let Some(policy) = model.and_then(|m| self.policy_of(fr, m)) else {
                continue;
            };
            let Some((_, f)) = self.ix.find_method(policy, method) else {
                continue;
            };
            let object = self.object(policy, Vec::new());
            let user = if self.v.is_plain(user) { self.current_user() } else { user };
            let mut given = vec![user];
            if matches!(self.data(one), Data::Row(_)) {
                given.push(one);
            }
            given.extend(rest.iter().copied());
            self.call_function(fr, f, object, Args::positional(given), range);
        }
        SCALAR
    }

    fn policy_of(&self, fr: &Frame<'a>, model: crate::index::ModelId) -> Option<ClassId> {
        let name = self.ix.model(model).name;
        let short = name.as_str().rsplit(['\\', '.']).next().unwrap_or_default();
        self.words(fr, "policies").iter().find_map(|pattern| {
            let full = pattern.as_str().replace("{name}", short).to_ascii_lowercase();
            self.ix.class_names.get(&Name::new(&full)).copied()
        })
    }
}
