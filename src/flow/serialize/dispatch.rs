//! What runs when a job, an event, a mail, a notification or a question to a policy is handed to the framework?

use super::super::call::Args;
use super::super::value::{Data, SCALAR, UNKNOWN, Val};
use super::super::{Engine, Frame};
use crate::base::{Name, Range};
use crate::index::ClassId;
use crate::packs::Op;

impl<'a> Engine<'a> {
    /// Does a call hand an object over, and not the name of a template?
    pub(in super::super) fn is_handing_over(&self, op: &Op, args: &Args) -> bool {
        let is_object = |v: &Val| matches!(self.data(*v), Data::Object { .. });
        op.dispatches && (op.template.is_none() || self.v.alternatives(self.subject(op, args)).iter().any(is_object))
    }

    /// Something is handed to a queue, a dispatcher or a mailer, by a method of whoever gets it or with an argument that says it.
    pub(in super::super) fn dispatched(
        &mut self,
        fr: &mut Frame<'a>,
        op: &Op,
        to: Option<Val>,
        how: Name,
        args: &Args,
        range: Range,
    ) -> Val {
        let handed = self.subject(op, args);
        let to = op.to.and_then(|arg| args.get(arg)).or(to);
        self.hand_over(fr, handed, how, to, range);
        UNKNOWN
    }

    /// What is handed over runs at once, in the loops around the call, unless a queue takes it.
    pub(super) fn hand_over(&mut self, fr: &mut Frame<'a>, handed: Val, how: Name, to: Option<Val>, range: Range) {
        for object in self.v.alternatives(handed) {
            let Data::Object { class, .. } = *self.data(object) else {
                continue;
            };
            let is_now = self.words(fr, "job-now").contains(&how)
                || (self.words(fr, "job-queued").contains(&how) && !self.has_role(class, "queued"));
            let to = to.unwrap_or(UNKNOWN);
            match self.role(class) {
                Some("mail") => self.now_or_alone(fr, is_now, &mut |e, fr| e.send_mail(fr, object, class, range)),
                Some("notification") => self.now_or_alone(fr, is_now, &mut |e, fr| e.notify(fr, object, class, to, range)),
                _ => self.run_job(fr, object, class, is_now, range),
            }
        }
    }

    /// Runs something in the loops around the call, or on its own: then a loop of its own is what counts.
    fn now_or_alone(&mut self, fr: &mut Frame<'a>, is_now: bool, run: &mut dyn FnMut(&mut Self, &mut Frame<'a>)) {
        if is_now {
            run(self, fr);
            return;
        }
        let mut alone = self.frame(fr.f, fr.this);
        run(self, &mut alone);
        // What is left needs a loop of the caller, and a queue does not run it in that.
        alone.buffer.clear();
        self.finish(alone);
    }

    fn run_job(&mut self, fr: &mut Frame<'a>, job: Val, class: ClassId, is_now: bool, range: Range) {
        let method = self.word(fr, "job-method");
        if let Some((_, f)) = self.ix.find_method(class, method) {
            self.now_or_alone(fr, is_now, &mut |e, fr| {
                e.call_function(fr, f, job, Args::default(), range);
            });
        }
        for (listener, f) in self.listeners(fr, class) {
            let object = self.object(listener, Vec::new());
            let is_now = !self.has_role(listener, "queued");
            self.now_or_alone(fr, is_now, &mut |e, fr| {
                e.call_function(fr, f, object, Args::positional(vec![job]), range);
            });
        }
        if self.has_role(class, "broadcast") {
            let is_now = self.has_role(class, "broadcast-now");
            self.now_or_alone(fr, is_now, &mut |e, fr| e.broadcast(fr, job, class, range));
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
        let mut given = args.clone();
        if self.words(fr, "job-conditional").contains(&name) && !given.positional.is_empty() {
            given.positional.remove(0);
        }
        let job = self.construct(fr, target, given, range);
        self.hand_over(fr, job, name, None, range);
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
