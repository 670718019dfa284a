(** The session as a pure transition function, as in [portcullis::session], and the lemmas of one step.

    Each lemma whose name begins with [law_] is, word for word, a law of the same name that is proved of the
    compiled Rust function (crates/portcullis-laws); [Trace.v] uses nothing else of [step]. *)
From Coq Require Import List Bool NArith Lia.
From Portcullis Require Import Level Exposure Posture Verdict Budget.
Import ListNotations.
Open Scope N_scope.

Record state := {
  authority : posture; life : phase; touched : exposure; account : ledger; now_ms : N; deadline_ms : N }.

Inductive event :=
| Request (f : facts) (cost : amount) (shown : reasons)
| Settle (reserved used : amount)
| Tighten (p : posture) (maximum : amount) (deadline : N)
| Clock (now : N)
| Expose (labels : exposure)
| Lockdown
| Lift
| End.

Inductive answer := Judged (fired : reasons) (o : outcome) | Applied | Ignored.

Definition word_of (s : state) : word :=
  {| in_phase := life s; in_window := now_ms s <? deadline_ms s; seen := touched s |}.

Definition with_account (s : state) (l : ledger) : state :=
  {| authority := authority s; life := life s; touched := touched s; account := l;
     now_ms := now_ms s; deadline_ms := deadline_ms s |}.
Definition with_life (s : state) (p : phase) : state :=
  {| authority := authority s; life := p; touched := touched s; account := account s;
     now_ms := now_ms s; deadline_ms := deadline_ms s |}.
Definition exposed (s : state) (e : exposure) : state :=
  {| authority := authority s; life := life s; touched := ejoin (touched s) e; account := account s;
     now_ms := now_ms s; deadline_ms := deadline_ms s |}.

Section Step.
Variable limit : N.

Definition judge (s : state) (f : facts) (cost : amount) (shown : reasons) : state * answer :=
  let reserved := reserve limit (account s) cost in
  let fired := fires (authority s) (word_of s) f (match reserved with Some _ => true | None => false end) in
  let o := outcome_with fired shown in
  match o, reserved with
  | Permit, Some l => (exposed (with_account s l) (labels_of f), Judged fired o)
  | _, _ => (s, Judged fired o)
  end.

Definition step (s : state) (e : event) : state * answer :=
  match e with
  | Request f cost shown => judge s f cost shown
  | Settle reserved used =>
      match settle limit (account s) reserved used with
      | Some l => (with_account s l, Applied)
      | None => (s, Ignored)
      end
  | Tighten p maximum deadline =>
      ({| authority := pmeet (authority s) p; life := life s; touched := touched s;
          account := tighten (account s) maximum; now_ms := now_ms s;
          deadline_ms := if deadline <? deadline_ms s then deadline else deadline_ms s |}, Applied)
  | Clock now =>
      if now_ms s <=? now
      then ({| authority := authority s; life := life s; touched := touched s; account := account s;
               now_ms := now; deadline_ms := deadline_ms s |}, Applied)
      else (s, Ignored)
  | Expose labels => (exposed s labels, Applied)
  | Lockdown => match life s with Active => (with_life s Locked, Applied) | _ => (s, Ignored) end
  | Lift => match life s with Locked => (with_life s Active, Applied) | _ => (s, Ignored) end
  | End => (with_life s Ended, Applied)
  end.

(** Whether an answer let something happen. *)
Definition ran (a : answer) : bool := match a with Judged _ Permit => true | _ => false end.

(** A request either runs, with its reservation and its labels, or leaves the state alone. *)
Lemma judge_cases s f cost shown :
  (ran (snd (judge s f cost shown)) = false /\ fst (judge s f cost shown) = s) \/
  (exists l, reserve limit (account s) cost = Some l /\
     ran (snd (judge s f cost shown)) = true /\
     fst (judge s f cost shown) = exposed (with_account s l) (labels_of f) /\
     verdict (authority s) (word_of s) f true shown = Permit).
Proof.
  unfold judge. destruct (reserve limit (account s) cost) as [l |] eqn:R.
  - destruct (outcome_with _ shown) eqn:O; simpl; auto. right. exists l. auto.
  - left. assert (D : outcome_with (fires (authority s) (word_of s) f false) shown = Deny) by apply unreserved_denies.
    rewrite D. auto.
Qed.
Ltac by_cases s f c sh := destruct (judge_cases s f c sh) as [(R & K) | (l & V & R & K & P)].

Lemma law_step_never_widens_authority s e : ple (authority (fst (step s e))) (authority s).
Proof.
  destruct e as [f c sh | r u | p m d | n | x | | |]; simpl; auto using posture_le_refl.
  - by_cases s f c sh; rewrite K; apply posture_le_refl.
  - destruct (settle _ _ _ _); apply posture_le_refl.
  - apply meet_lower.
  - destruct (_ <=? _); apply posture_le_refl.
  - destruct (life s); apply posture_le_refl.
  - destruct (life s); apply posture_le_refl.
Qed.
Lemma law_step_never_lowers_exposure s e : ele (touched s) (touched (fst (step s e))).
Proof.
  destruct e as [f c sh | r u | p m d | n | x | | |]; simpl; auto using exposure_le_refl.
  - by_cases s f c sh; rewrite K; [apply exposure_le_refl | apply exposure_join_upper].
  - destruct (settle _ _ _ _); apply exposure_le_refl.
  - destruct (_ <=? _); apply exposure_le_refl.
  - apply exposure_join_upper.
  - destruct (life s); apply exposure_le_refl.
  - destruct (life s); apply exposure_le_refl.
Qed.
Lemma law_step_never_raises_the_budget s e : ale (total (account (fst (step s e)))) (total (account s)).
Proof.
  destruct e as [f c sh | r u | p m d | n | x | | |]; simpl; auto using amount_le_refl.
  - by_cases s f c sh; rewrite K; [apply amount_le_refl |]. simpl. rewrite (reserve_keeps_total _ _ _ _ V).
    apply amount_le_refl.
  - destruct (settle _ _ _ _) eqn:S; [eapply settle_never_raises; eauto | apply amount_le_refl].
  - apply tighten_never_raises.
  - destruct (_ <=? _); apply amount_le_refl.
  - destruct (life s); apply amount_le_refl.
  - destruct (life s); apply amount_le_refl.
Qed.
Lemma law_step_never_gains_time s e :
  now_ms s <= now_ms (fst (step s e)) /\ deadline_ms (fst (step s e)) <= deadline_ms s.
Proof.
  destruct e as [f c sh | r u | p m d | n | x | | |]; simpl; try lia.
  - by_cases s f c sh; rewrite K; simpl; lia.
  - destruct (settle _ _ _ _); simpl; lia.
  - destruct (d <? deadline_ms s) eqn:E; simpl; [apply N.ltb_lt in E |]; lia.
  - destruct (now_ms s <=? n) eqn:E; simpl; [apply N.leb_le in E |]; lia.
  - destruct (life s); simpl; lia.
  - destruct (life s); simpl; lia.
Qed.
Lemma law_ended_is_forever s e : life s = Ended -> life (fst (step s e)) = Ended.
Proof.
  intros H. destruct e as [f c sh | r u | p m d | n | x | | |]; simpl; auto.
  - by_cases s f c sh; rewrite K; auto.
  - destruct (settle _ _ _ _); auto.
  - destruct (_ <=? _); auto.
  - rewrite H; auto.
  - rewrite H; auto.
Qed.
Lemma law_refused_request_changes_nothing s f c sh :
  ran (snd (step s (Request f c sh))) = false -> fst (step s (Request f c sh)) = s.
Proof. simpl. by_cases s f c sh; intros H; congruence. Qed.
Lemma law_permitted_request_exposes_its_labels s f c sh :
  ran (snd (step s (Request f c sh))) = true ->
  touched (fst (step s (Request f c sh))) = ejoin (touched s) (labels_of f).
Proof. simpl. by_cases s f c sh; intros H; [congruence | rewrite K; reflexivity]. Qed.
Lemma law_permitted_request_holds_its_cost s f c sh :
  ran (snd (step s (Request f c sh))) = true ->
  reserve limit (account s) c = Some (account (fst (step s (Request f c sh)))).
Proof. simpl. by_cases s f c sh; intros H; [congruence | rewrite K; exact V]. Qed.
Lemma law_stopped_session_runs_nothing s f c sh :
  life s <> Active -> ran (snd (step s (Request f c sh))) = false.
Proof.
  intros H. simpl. by_cases s f c sh; auto. rewrite inactive_denies in P; [discriminate | exact H].
Qed.
Lemma law_late_session_runs_nothing s f c sh :
  deadline_ms s <= now_ms s -> ran (snd (step s (Request f c sh))) = false.
Proof.
  intros H. simpl. by_cases s f c sh; auto. rewrite closed_window_denies in P; [discriminate |].
  simpl. apply N.ltb_ge. exact H.
Qed.
Lemma law_uncovered_cost_does_not_run s f c sh :
  ~ ale c (left (account s)) -> ran (snd (step s (Request f c sh))) = false.
Proof. intros H. simpl. by_cases s f c sh; auto. apply reserve_covers in V. tauto. Qed.
Lemma law_never_does_not_run s f c sh o :
  operations f o = true -> granted (capabilities (authority s)) o = false ->
  ran (snd (step s (Request f c sh))) = false.
Proof. intros O G. simpl. by_cases s f c sh; auto. rewrite (never_denies _ _ _ _ _ o O G) in P. discriminate. Qed.
Lemma law_blocked_subject_does_not_run s f c sh o :
  operations f o = true -> blocked f o = true -> ran (snd (step s (Request f c sh))) = false.
Proof. intros O G. simpl. by_cases s f c sh; auto. rewrite (blocked_denies _ _ _ _ _ o O G) in P. discriminate. Qed.
Lemma law_trifecta_gates_exfil s f c sh :
  exfil_sink f = true -> trifecta (ejoin (touched s) (labels_of f)) = true -> sh FlowExfil = false ->
  ran (snd (step s (Request f c sh))) = false.
Proof.
  intros X T S. simpl. by_cases s f c sh; auto. apply complete_gates_exfil in P; auto. congruence.
Qed.
Lemma law_untrusted_gates_effects s f c sh :
  effect_sink f = true -> sourced f = false -> untrusted (ejoin (touched s) (labels_of f)) = true ->
  sh FlowEffect = false -> ran (snd (step s (Request f c sh))) = false.
Proof.
  intros X Y T S. simpl. by_cases s f c sh; auto. apply untrusted_gates_effects in P; auto. congruence.
Qed.
Lemma law_activation_needs_an_approval s f c sh :
  activation f = true -> sh ActivationPath = false -> ran (snd (step s (Request f c sh))) = false.
Proof. intros A S. simpl. by_cases s f c sh; auto. apply activation_asks in P; auto. congruence. Qed.
Lemma law_ignored_event_changes_nothing s e : snd (step s e) = Ignored -> fst (step s e) = s.
Proof.
  destruct e as [f c sh | r u | p m d | n | x | | |]; simpl; try discriminate.
  - unfold judge. destruct (outcome_with _ _), (reserve _ _ _); discriminate.
  - destruct (settle _ _ _ _); [discriminate | auto].
  - destruct (_ <=? _); [discriminate | auto].
  - destruct (life s); [discriminate | auto | auto].
  - destruct (life s); [auto | discriminate | auto].
Qed.
Lemma law_lockdown_is_a_pause s : life s = Active -> fst (step (fst (step s Lockdown)) Lift) = s.
Proof. intros H. simpl. rewrite H. simpl. destruct s; simpl in *; subst; reflexivity. Qed.
Lemma law_obligation_is_forever s e o :
  asks (authority s) o = true -> asks (authority (fst (step s e))) o = true.
Proof. intros H. destruct (law_step_never_widens_authority s e) as (_ & A & _). auto. Qed.
Lemma law_never_is_forever s e o :
  granted (capabilities (authority s)) o = false -> granted (capabilities (authority (fst (step s e)))) o = false.
Proof. intros H. destruct (law_step_never_widens_authority s e) as (C & _). eapply granted_below; eauto. Qed.
End Step.
