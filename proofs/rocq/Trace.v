(** What holds of every trace, by induction from the laws of one step.

    The section takes *any* step function and, as hypotheses, the laws that the prover establishes of the compiled
    Rust function, under the same names. Nothing else of the step is used. The section is then closed with the
    model's own step, so that no hypothesis is left open. *)
From Coq Require Import List Bool NArith Lia.
From Portcullis Require Import Level Exposure Posture Verdict Budget Session.
Import ListNotations.
Open Scope N_scope.

Section Any.
Variable do : state -> event -> state * answer.

Hypothesis law_step_never_widens_authority : forall s e, ple (authority (fst (do s e))) (authority s).
Hypothesis law_step_never_lowers_exposure : forall s e, ele (touched s) (touched (fst (do s e))).
Hypothesis law_step_never_raises_the_budget : forall s e,
  ale (total (account (fst (do s e)))) (total (account s)).
Hypothesis law_step_never_gains_time : forall s e,
  now_ms s <= now_ms (fst (do s e)) /\ deadline_ms (fst (do s e)) <= deadline_ms s.
Hypothesis law_ended_is_forever : forall s e, life s = Ended -> life (fst (do s e)) = Ended.
Hypothesis law_stopped_session_runs_nothing : forall s f c sh,
  life s <> Active -> ran (snd (do s (Request f c sh))) = false.
Hypothesis law_late_session_runs_nothing : forall s f c sh,
  deadline_ms s <= now_ms s -> ran (snd (do s (Request f c sh))) = false.
Hypothesis law_never_does_not_run : forall s f c sh o,
  operations f o = true -> granted (capabilities (authority s)) o = false ->
  ran (snd (do s (Request f c sh))) = false.
Hypothesis law_trifecta_gates_exfil : forall s f c sh,
  exfil_sink f = true -> trifecta (ejoin (touched s) (labels_of f)) = true -> sh FlowExfil = false ->
  ran (snd (do s (Request f c sh))) = false.
Hypothesis law_untrusted_gates_effects : forall s f c sh,
  effect_sink f = true -> sourced f = false -> untrusted (ejoin (touched s) (labels_of f)) = true ->
  sh FlowEffect = false -> ran (snd (do s (Request f c sh))) = false.
Hypothesis law_uncovered_cost_does_not_run : forall s f c sh,
  ~ ale c (left (account s)) -> ran (snd (do s (Request f c sh))) = false.
Hypothesis law_refused_request_changes_nothing : forall s f c sh,
  ran (snd (do s (Request f c sh))) = false -> fst (do s (Request f c sh)) = s.
Hypothesis law_permitted_request_exposes_its_labels : forall s f c sh,
  ran (snd (do s (Request f c sh))) = true ->
  touched (fst (do s (Request f c sh))) = ejoin (touched s) (labels_of f).

(** The state after a trace, and what each event came to. *)
Fixpoint after (s : state) (t : list event) : state :=
  match t with [] => s | e :: t => after (fst (do s e)) t end.
Fixpoint log (s : state) (t : list event) : list (event * answer) :=
  match t with [] => [] | e :: t => (e, snd (do s e)) :: log (fst (do s e)) t end.

Lemma after_app t u : forall s, after s (t ++ u) = after (after s t) u.
Proof. induction t; simpl; auto. Qed.
Lemma log_app t u : forall s, log s (t ++ u) = log s t ++ log (after s t) u.
Proof. induction t; intros s; simpl; [reflexivity | rewrite IHt; reflexivity]. Qed.
Lemma log_length t : forall s, length (log s t) = length t.
Proof. induction t; intros s; simpl; auto. Qed.
(** Whatever is in the log of a trace happened in some state on the way. *)
Lemma in_log t : forall s x, In x (log s t) ->
  exists t1 e t2, t = t1 ++ e :: t2 /\ x = (e, snd (do (after s t1) e)).
Proof.
  induction t as [| e t IH]; intros s x I; simpl in I; [destruct I |]. destruct I as [<- | I].
  - exists [], e, t. auto.
  - destruct (IH _ _ I) as (t1 & e' & t2 & -> & ->). exists (e :: t1), e', t2. auto.
Qed.

(** Authority only falls. *)
Theorem authority_only_falls t : forall s, ple (authority (after s t)) (authority s).
Proof.
  induction t as [| e t IH]; intros s; simpl; [apply posture_le_refl |].
  eapply posture_le_trans; [apply IH | apply law_step_never_widens_authority].
Qed.
(** Exposure only grows. *)
Theorem exposure_only_grows t : forall s, ele (touched s) (touched (after s t)).
Proof.
  induction t as [| e t IH]; intros s; simpl; [apply exposure_le_refl |].
  eapply exposure_le_trans; [apply law_step_never_lowers_exposure | apply IH].
Qed.
(** What is left and held together never rises. *)
Theorem budget_only_falls t : forall s, ale (total (account (after s t))) (total (account s)).
Proof.
  induction t as [| e t IH]; intros s; simpl; [apply amount_le_refl |].
  eapply amount_le_trans; [apply IH | apply law_step_never_raises_the_budget].
Qed.
(** The clock never goes back and the deadline never moves out. *)
Theorem time_only_passes t : forall s,
  now_ms s <= now_ms (after s t) /\ deadline_ms (after s t) <= deadline_ms s.
Proof.
  induction t as [| e t IH]; intros s; simpl; [lia |].
  destruct (IH (fst (do s e))) as (A & B). destruct (law_step_never_gains_time s e) as (C & D). lia.
Qed.
Theorem ended_stays_ended t : forall s, life s = Ended -> life (after s t) = Ended.
Proof. induction t as [| e t IH]; intros s H; simpl; auto. Qed.

(** Once the exposure is complete, no exfil runs without an approval that showed this reason: for every trace. *)
Theorem no_unapproved_exfil t s f c sh a :
  trifecta (touched s) = true -> In (Request f c sh, a) (log s t) -> exfil_sink f = true -> ran a = true ->
  sh FlowExfil = true.
Proof.
  intros T I X R. destruct (in_log _ _ _ I) as (t1 & e & t2 & _ & E). inversion E; subst; clear E.
  destruct (sh FlowExfil) eqn:S; auto. rewrite law_trifecta_gates_exfil in R; [discriminate | exact X | | exact S].
  eapply trifecta_mono; [| exact T]. eapply exposure_le_trans; [apply (exposure_only_grows t1) | apply exposure_join_upper].
Qed.
(** Nor does an unapproved exfil ever complete it: an exfil that would make the three runs only if it was shown. *)
Theorem no_unapproved_completion t s t1 f c sh t2 :
  t = t1 ++ Request f c sh :: t2 -> exfil_sink f = true ->
  ran (snd (do (after s t1) (Request f c sh))) = true -> sh FlowExfil = false ->
  trifecta (touched (after s (t1 ++ [Request f c sh]))) = false.
Proof.
  intros -> X R S. rewrite after_app. simpl. rewrite law_permitted_request_exposes_its_labels; auto.
  destruct (trifecta _) eqn:T; auto. rewrite law_trifecta_gates_exfil in R; [discriminate | exact X | exact T | exact S].
Qed.
(** Private data and untrusted content are enough: after both were touched, every exfil was shown. *)
Theorem both_sources_gate_exfil t s f c sh a :
  priv (touched s) = true -> untrusted (touched s) = true ->
  In (Request f c sh, a) (log s t) -> exfil_sink f = true -> ran a = true -> sh FlowExfil = true.
Proof.
  intros P U I X R. destruct (in_log _ _ _ I) as (t1 & e & t2 & _ & E). inversion E; subst; clear E.
  destruct (sh FlowExfil) eqn:S; auto. rewrite law_trifecta_gates_exfil in R; [discriminate | exact X | | exact S].
  destruct (exposure_only_grows t1 s) as (A & B & _). unfold trifecta, ejoin; simpl.
  rewrite (A P), (B U), X. simpl. apply orb_true_r.
Qed.
(** Once untrusted content was seen, no effect runs unless it was shown or is the user's own: for every trace. *)
Theorem no_unapproved_effect t s f c sh a :
  untrusted (touched s) = true -> In (Request f c sh, a) (log s t) -> effect_sink f = true -> ran a = true ->
  sourced f = true \/ sh FlowEffect = true.
Proof.
  intros U I X R. destruct (in_log _ _ _ I) as (t1 & e & t2 & _ & E). inversion E; subst; clear E.
  destruct (sourced f) eqn:Q; auto. destruct (sh FlowEffect) eqn:S; auto. exfalso.
  rewrite law_untrusted_gates_effects in R; [discriminate | exact X | exact Q | | exact S].
  destruct (exposure_only_grows t1 s) as (_ & B & _). unfold ejoin; simpl. rewrite (B U). reflexivity.
Qed.
(** A level of never is forever: no request with that operation ever runs. *)
Theorem never_is_forever t s f c sh a o :
  granted (capabilities (authority s)) o = false -> In (Request f c sh, a) (log s t) ->
  operations f o = true -> ran a = false.
Proof.
  intros G I O. destruct (in_log _ _ _ I) as (t1 & e & t2 & _ & E). inversion E; subst; clear E.
  eapply law_never_does_not_run; eauto. eapply granted_below; [| exact G]. apply authority_only_falls.
Qed.
(** After the end nothing runs. *)
Theorem nothing_runs_after_the_end t s f c sh a :
  life s = Ended -> In (Request f c sh, a) (log s t) -> ran a = false.
Proof.
  intros L I. destruct (in_log _ _ _ I) as (t1 & e & t2 & _ & E). inversion E; subst; clear E.
  apply law_stopped_session_runs_nothing. rewrite (ended_stays_ended t1 s L). discriminate.
Qed.
(** After the deadline nothing runs. *)
Theorem nothing_runs_after_the_deadline t s f c sh a :
  deadline_ms s <= now_ms s -> In (Request f c sh, a) (log s t) -> ran a = false.
Proof.
  intros L I. destruct (in_log _ _ _ I) as (t1 & e & t2 & _ & E). inversion E; subst; clear E.
  apply law_late_session_runs_nothing. destruct (time_only_passes t1 s). lia.
Qed.
(** Every single cost that ran was covered by what the session began with. *)
Theorem every_cost_was_covered t s f c sh a :
  In (Request f c sh, a) (log s t) -> ran a = true -> ale c (total (account s)).
Proof.
  intros I R. destruct (in_log _ _ _ I) as (t1 & e & t2 & _ & E). inversion E; subst; clear E.
  destruct (aleb c (left (account (after s t1)))) eqn:L.
  - apply aleb_spec in L. eapply amount_le_trans; [exact L |]. eapply amount_le_trans; [| apply (budget_only_falls t1)].
    unfold ale, total, plus; simpl; lia.
  - rewrite law_uncovered_cost_does_not_run in R; [discriminate |].
    intros H. apply aleb_spec in H. congruence.
Qed.
(** Requests that were refused may be left out: the session ends in the same state. *)
Definition is_refusal (x : event * answer) : bool :=
  match x with (Request _ _ _, a) => negb (ran a) | _ => false end.
Fixpoint without_refused (s : state) (t : list event) : list event :=
  match t with
  | [] => []
  | e :: t => if is_refusal (e, snd (do s e)) then without_refused (fst (do s e)) t
              else e :: without_refused (fst (do s e)) t
  end.
Theorem refused_requests_leave_no_trace t : forall s, after s (without_refused s t) = after s t.
Proof.
  induction t as [| e t IH]; intros s; [reflexivity |]. cbn [without_refused after].
  destruct (is_refusal (e, snd (do s e))) eqn:F; [| simpl; apply IH].
  destruct e; try discriminate F. simpl in F. apply negb_true_iff in F.
  rewrite (law_refused_request_changes_nothing _ _ _ _ F). apply IH.
Qed.
(** Replay: the events of a log alone give the same answers and the same end, every time. *)
Theorem replay_is_deterministic t s : log s (map fst (log s t)) = log s t /\ after s (map fst (log s t)) = after s t.
Proof.
  assert (E : map fst (log s t) = t).
  { revert s. induction t as [| e t IH]; intros s; simpl; auto. rewrite IH. reflexivity. }
  rewrite E. auto.
Qed.
End Any.

(** The model's own step has all of them. *)
Section Model.
Variable limit : N.
Definition run := after (step limit).
Definition record := log (step limit).

Theorem model_authority_only_falls t s : ple (authority (run s t)) (authority s).
Proof. apply authority_only_falls, law_step_never_widens_authority. Qed.
Theorem model_exposure_only_grows t s : ele (touched s) (touched (run s t)).
Proof. apply exposure_only_grows, law_step_never_lowers_exposure. Qed.
Theorem model_budget_only_falls t s : ale (total (account (run s t))) (total (account s)).
Proof. apply budget_only_falls, law_step_never_raises_the_budget. Qed.
Theorem model_time_only_passes t s : now_ms s <= now_ms (run s t) /\ deadline_ms (run s t) <= deadline_ms s.
Proof. apply time_only_passes, law_step_never_gains_time. Qed.
Theorem model_no_unapproved_exfil t s f c sh a :
  trifecta (touched s) = true -> In (Request f c sh, a) (record s t) -> exfil_sink f = true -> ran a = true ->
  sh FlowExfil = true.
Proof. apply no_unapproved_exfil; [apply law_step_never_lowers_exposure | apply law_trifecta_gates_exfil]. Qed.
Theorem model_both_sources_gate_exfil t s f c sh a :
  priv (touched s) = true -> untrusted (touched s) = true ->
  In (Request f c sh, a) (record s t) -> exfil_sink f = true -> ran a = true -> sh FlowExfil = true.
Proof. apply both_sources_gate_exfil; [apply law_step_never_lowers_exposure | apply law_trifecta_gates_exfil]. Qed.
Theorem model_no_unapproved_effect t s f c sh a :
  untrusted (touched s) = true -> In (Request f c sh, a) (record s t) -> effect_sink f = true -> ran a = true ->
  sourced f = true \/ sh FlowEffect = true.
Proof. apply no_unapproved_effect; [apply law_step_never_lowers_exposure | apply law_untrusted_gates_effects]. Qed.
Theorem model_never_is_forever t s f c sh a o :
  granted (capabilities (authority s)) o = false -> In (Request f c sh, a) (record s t) ->
  operations f o = true -> ran a = false.
Proof. apply never_is_forever; [apply law_step_never_widens_authority | apply law_never_does_not_run]. Qed.
Theorem model_nothing_runs_after_the_end t s f c sh a :
  life s = Ended -> In (Request f c sh, a) (record s t) -> ran a = false.
Proof. apply nothing_runs_after_the_end; [apply law_ended_is_forever | apply law_stopped_session_runs_nothing]. Qed.
Theorem model_nothing_runs_after_the_deadline t s f c sh a :
  deadline_ms s <= now_ms s -> In (Request f c sh, a) (record s t) -> ran a = false.
Proof. apply nothing_runs_after_the_deadline; [apply law_step_never_gains_time | apply law_late_session_runs_nothing]. Qed.
Theorem model_every_cost_was_covered t s f c sh a :
  In (Request f c sh, a) (record s t) -> ran a = true -> ale c (total (account s)).
Proof. apply every_cost_was_covered; [apply law_step_never_raises_the_budget | apply law_uncovered_cost_does_not_run]. Qed.
Theorem model_refused_requests_leave_no_trace t s : run s (without_refused (step limit) s t) = run s t.
Proof. apply refused_requests_leave_no_trace, law_refused_request_changes_nothing. Qed.
Theorem model_replay_is_deterministic t s :
  record s (map fst (record s t)) = record s t /\ run s (map fst (record s t)) = run s t.
Proof. apply replay_is_deterministic. Qed.
End Model.
