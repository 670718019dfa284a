(** What one request comes to, as in [portcullis::verdict]: every rule evaluated, reasons as a set. *)
From Coq Require Import List Bool Setoid.
From Portcullis Require Import Level Exposure Posture.
Import ListNotations.

#[local] Opaque within meets empty.

Inductive reason :=
  SessionEnded | LockedDown | OutsideWindow | BudgetNotReserved | LevelNever | SubjectBlocked
| NotListed | Obliged | ActivationPath | FlowExfil | FlowEffect | FlowStrict.
(** In the order of their numbers. *)
Definition all_reasons : list reason :=
  [SessionEnded; LockedDown; OutsideWindow; BudgetNotReserved; LevelNever; SubjectBlocked;
   NotListed; Obliged; ActivationPath; FlowExfil; FlowEffect; FlowStrict].
Lemma all_reasons_complete r : In r all_reasons. Proof. destruct r; simpl; tauto. Qed.

Definition reasons := reason -> bool.
Definition no_reasons : reasons := fun _ => false.
(** Rules 1 to 5. *)
Definition denying (r : reason) : bool :=
  match r with SessionEnded | LockedDown | OutsideWindow | BudgetNotReserved | LevelNever | SubjectBlocked => true | _ => false end.

Inductive phase := Active | Locked | Ended.
Record word := { in_phase : phase; in_window : bool; seen : exposure }.

Record facts := {
  operations : opset; listed : opset; blocked : opset; sources : exposure;
  exfil_sink : bool; effect_sink : bool; activation : bool; sourced : bool; unclassified : bool }.

(** The labels of a request: its sources, and the way out exactly when it is an exfil sink. *)
Definition labels_of (f : facts) : exposure :=
  {| priv := priv (sources f); untrusted := untrusted (sources f); exfil := exfil_sink f |}.

Definition projected (w : word) (f : facts) : exposure := ejoin (seen w) (labels_of f).

Definition fires (p : posture) (w : word) (f : facts) (reserved : bool) : reasons :=
  let granted := granted (capabilities p) in
  let after := projected w f in
  fun r => match r with
  | SessionEnded => match in_phase w with Ended => true | _ => false end
  | LockedDown => match in_phase w with Locked => true | _ => false end
  | OutsideWindow => negb (in_window w)
  | BudgetNotReserved => negb reserved
  | LevelNever => empty (operations f) || negb (within (operations f) granted)
  | SubjectBlocked => meets (blocked f) (operations f)
  | NotListed =>
      negb (within (fun o => granted o && operations f o) (fun o => unconditional (capabilities p) o || listed f o))
  | Obliged => unclassified f || meets (asks p) (operations f)
  | ActivationPath => activation f
  | FlowExfil => exfil_sink f && trifecta after
  | FlowEffect => effect_sink f && untrusted after && negb (sourced f)
  | FlowStrict => strict p && exfil_sink f && sourced_any after
  end.

Inductive outcome := Deny | NeedsApproval | Permit.
Definition orank (o : outcome) : nat := match o with Deny => 0 | NeedsApproval => 1 | Permit => 2 end.

(** The outcome under an approval that showed these reasons. *)
Definition outcome_with (fired shown : reasons) : outcome :=
  if existsb (fun r => fired r && denying r) all_reasons then Deny
  else if existsb (fun r => fired r && negb (shown r)) all_reasons then NeedsApproval
  else Permit.

Definition verdict p w f reserved shown : outcome := outcome_with (fires p w f reserved) shown.

Lemma exists_reason (t : reason -> bool) : existsb t all_reasons = true <-> (exists r, t r = true).
Proof.
  rewrite existsb_exists. split; [intros (r & _ & H) | intros (r & H)]; exists r; auto using all_reasons_complete.
Qed.
Lemma no_reason (t : reason -> bool) : existsb t all_reasons = false -> forall r, t r = false.
Proof.
  intros H r. destruct (t r) eqn:E; auto. assert (X : existsb t all_reasons = true) by (apply exists_reason; eauto).
  congruence.
Qed.

(** A permit says: nothing that denies fired, and whatever asked was shown. *)
Theorem permit_spec fired shown :
  outcome_with fired shown = Permit <->
  (forall r, fired r = true -> denying r = false /\ shown r = true).
Proof.
  unfold outcome_with. split.
  - destruct (existsb (fun r => fired r && denying r) all_reasons) eqn:D; [discriminate |].
    destruct (existsb (fun r => fired r && negb (shown r)) all_reasons) eqn:A; [discriminate |].
    intros _ r F. pose proof (no_reason _ D r) as X. pose proof (no_reason _ A r) as Y. simpl in X, Y.
    rewrite F in X, Y. simpl in X, Y. split; [exact X | destruct (shown r); auto; discriminate].
  - intros H.
    destruct (existsb (fun r => fired r && denying r) all_reasons) eqn:D.
    { apply exists_reason in D as (r & R). apply andb_true_iff in R as (F & R). destruct (H r F). congruence. }
    destruct (existsb (fun r => fired r && negb (shown r)) all_reasons) eqn:A; auto.
    apply exists_reason in A as (r & R). apply andb_true_iff in R as (F & R). destruct (H r F) as (_ & S).
    rewrite S in R. discriminate.
Qed.

Theorem approval_discharges_only_asking fired shown r :
  fired r = true -> denying r = true -> outcome_with fired shown = Deny.
Proof.
  intros F D. unfold outcome_with.
  assert (X : existsb (fun r => fired r && denying r) all_reasons = true).
  { apply exists_reason. exists r. rewrite F, D. reflexivity. }
  rewrite X. reflexivity.
Qed.
Theorem unshown_reason_is_not_discharged fired shown r :
  fired r = true -> shown r = false -> outcome_with fired shown <> Permit.
Proof. intros F S P. apply permit_spec with (r := r) in P; auto. destruct P. congruence. Qed.

(** More reasons never give a better outcome. *)
Lemma outcome_antitone fired fired' shown :
  (forall r, fired r = true -> fired' r = true) -> orank (outcome_with fired' shown) <= orank (outcome_with fired shown).
Proof.
  intros H. destruct (outcome_with fired' shown) eqn:E'; simpl; auto with arith.
  - destruct (outcome_with fired shown) eqn:E; simpl; auto with arith.
    unfold outcome_with in E, E'.
    destruct (existsb (fun r => fired r && denying r) all_reasons) eqn:D.
    + apply exists_reason in D as (r & R). apply andb_true_iff in R as (F & R).
      assert (X : existsb (fun r => fired' r && denying r) all_reasons = true).
      { apply exists_reason. exists r. rewrite (H r F), R. reflexivity. }
      rewrite X in E'. discriminate.
    + destruct (existsb (fun r => fired r && negb (shown r)) all_reasons); discriminate.
  - assert (P : outcome_with fired shown = Permit).
    { apply permit_spec. intros r F. rewrite permit_spec in E'. apply E'. auto. }
    rewrite P. auto.
Qed.

Theorem never_denies p w f reserved shown o :
  operations f o = true -> granted (capabilities p) o = false -> verdict p w f reserved shown = Deny.
Proof.
  intros O G. apply approval_discharges_only_asking with (r := LevelNever); auto. simpl.
  apply orb_true_iff. right. apply negb_true_iff. destruct (within _ _) eqn:W; auto.
  rewrite within_spec in W. rewrite (W o O) in G. discriminate.
Qed.
Theorem blocked_denies p w f reserved shown o :
  operations f o = true -> blocked f o = true -> verdict p w f reserved shown = Deny.
Proof.
  intros O B. apply approval_discharges_only_asking with (r := SubjectBlocked); auto. simpl.
  apply meets_spec. exists o; auto.
Qed.
Theorem nothing_recognised_denies p w f reserved shown :
  empty (operations f) = true -> verdict p w f reserved shown = Deny.
Proof. intros E. apply approval_discharges_only_asking with (r := LevelNever); auto. simpl. rewrite E. reflexivity. Qed.
Theorem unreserved_denies p w f shown : verdict p w f false shown = Deny.
Proof. apply approval_discharges_only_asking with (r := BudgetNotReserved); reflexivity. Qed.
Theorem closed_window_denies p w f reserved shown : in_window w = false -> verdict p w f reserved shown = Deny.
Proof. intros H. apply approval_discharges_only_asking with (r := OutsideWindow); simpl; rewrite ?H; reflexivity. Qed.
Theorem inactive_denies p w f reserved shown : in_phase w <> Active -> verdict p w f reserved shown = Deny.
Proof.
  intros H. destruct (in_phase w) eqn:E; [congruence | |].
  - apply approval_discharges_only_asking with (r := LockedDown); simpl; rewrite ?E; reflexivity.
  - apply approval_discharges_only_asking with (r := SessionEnded); simpl; rewrite ?E; reflexivity.
Qed.

(** The gate of rule 8 for exfil sinks. *)
Theorem complete_gates_exfil p w f reserved shown :
  exfil_sink f = true -> trifecta (projected w f) = true ->
  verdict p w f reserved shown = Permit -> shown FlowExfil = true.
Proof.
  intros X T P. apply permit_spec with (r := FlowExfil) in P; [tauto |].
  change (exfil_sink f && trifecta (projected w f) = true). rewrite X, T. reflexivity.
Qed.
(** The gate of rule 8 for effect sinks. *)
Theorem untrusted_gates_effects p w f reserved shown :
  effect_sink f = true -> untrusted (projected w f) = true -> sourced f = false ->
  verdict p w f reserved shown = Permit -> shown FlowEffect = true.
Proof.
  intros X T S P. apply permit_spec with (r := FlowEffect) in P; [tauto |].
  change (effect_sink f && untrusted (projected w f) && negb (sourced f) = true). rewrite X, T, S. reflexivity.
Qed.
Theorem strict_gates_exfil p w f reserved shown :
  strict p = true -> exfil_sink f = true -> sourced_any (projected w f) = true ->
  verdict p w f reserved shown = Permit -> shown FlowStrict = true.
Proof.
  intros A X T P. apply permit_spec with (r := FlowStrict) in P; [tauto |].
  change (strict p && exfil_sink f && sourced_any (projected w f) = true). rewrite A, X, T. reflexivity.
Qed.
Theorem activation_asks p w f reserved shown :
  activation f = true -> verdict p w f reserved shown = Permit -> shown ActivationPath = true.
Proof. intros A P. apply permit_spec with (r := ActivationPath) in P; tauto. Qed.
Theorem obligations_ask p w f reserved shown o :
  operations f o = true -> asks p o = true -> verdict p w f reserved shown = Permit -> shown Obliged = true.
Proof.
  intros O A P. apply permit_spec with (r := Obliged) in P; [tauto |]. simpl. apply orb_true_iff. right.
  apply meets_spec. exists o; auto.
Qed.

(** The gate is monotone in the envelope, as the non-monotone nu is not ... *)
Theorem gate_monotone_in_posture p q w f reserved shown :
  ple p q -> orank (verdict p w f reserved shown) <= orank (verdict q w f reserved shown) \/
  (exists o, operations f o = true /\ granted (capabilities p) o = false).
Proof.
  intros (C & A & S & _).
  destruct (within (operations f) (granted (capabilities p))) eqn:W.
  - left. apply outcome_antitone. intros [] H; simpl in *; auto.
    + apply orb_true_iff in H as [H | H]; apply orb_true_iff; [left; exact H | right].
      apply negb_true_iff in H. exfalso. rewrite within_spec in W. assert (within (operations f) (granted (capabilities q)) = true).
      { apply within_spec. intros o O. eapply granted_le; eauto. } congruence.
    + apply negb_true_iff in H. apply negb_true_iff. match goal with |- ?x = false => destruct x eqn:E; auto end.
      rewrite within_spec in E. exfalso. rewrite <- not_true_iff_false in H. apply H. apply within_spec.
      intros o G. apply andb_true_iff in G as (_ & O). rewrite within_spec in W.
      assert (X : granted (capabilities p) o && operations f o = true) by (rewrite (W o O), O; reflexivity).
      specialize (E o X). apply orb_true_iff in E as [E | E]; apply orb_true_iff; auto.
      left. eapply unconditional_le; eauto.
    + apply orb_true_iff in H as [H | H]; apply orb_true_iff; [left; exact H | right].
      apply meets_spec in H as (o & X & Y). apply meets_spec. exists o; auto.
    + apply andb_true_iff in H as (H & T). apply andb_true_iff in H as (H & X).
      rewrite (S H), X, T. reflexivity.
  - right. assert (X : exists o, In o ops /\ implb (operations f o) (granted (capabilities p) o) = false).
    { apply not_within. exact W. }
    destruct X as (o & _ & X). exists o. destruct (operations f o), (granted (capabilities p) o); auto; discriminate.
Qed.
(** ... so that whatever the narrower posture permits, the wider permits too ... *)
Theorem permit_monotone_in_posture p q w f reserved shown :
  ple p q -> verdict p w f reserved shown = Permit -> verdict q w f reserved shown = Permit.
Proof.
  intros L P. destruct (gate_monotone_in_posture p q w f reserved shown L) as [H | (o & O & G)].
  - rewrite P in H. destruct (verdict q w f reserved shown); simpl in H; auto; inversion H as [| ? H']; inversion H'.
  - rewrite (never_denies p w f reserved shown o O G) in P. discriminate.
Qed.
(** ... and antitone in the exposure: what was touched never makes an outcome better. *)
Theorem gate_antitone_in_exposure p ph win e e' f reserved shown :
  ele e e' ->
  orank (verdict p {| in_phase := ph; in_window := win; seen := e' |} f reserved shown)
  <= orank (verdict p {| in_phase := ph; in_window := win; seen := e |} f reserved shown).
Proof.
  intros L. apply outcome_antitone. assert (M := exposure_join_mono e e' (labels_of f) L).
  intros [] H; simpl in *; auto; unfold projected in *; simpl in *.
  - apply andb_true_iff in H as (X & T). apply andb_true_iff. split; [exact X | eapply trifecta_mono; eauto].
  - apply andb_true_iff in H as (H & S). apply andb_true_iff in H as (X & T).
    apply andb_true_iff; split; [apply andb_true_iff; split; [exact X |] | exact S].
    destruct M as (_ & M & _). apply M, T.
  - apply andb_true_iff in H as (H & T). apply andb_true_iff. split; [exact H | eapply sourced_any_mono; eauto].
Qed.
Theorem approval_only_helps fired shown shown' :
  (forall r, shown r = true -> shown' r = true) -> orank (outcome_with fired shown) <= orank (outcome_with fired shown').
Proof.
  intros H. destruct (outcome_with fired shown) eqn:E; simpl; auto with arith.
  - destruct (outcome_with fired shown') eqn:E'; simpl; auto with arith. exfalso.
    unfold outcome_with in E, E'. destruct (existsb (fun r => fired r && denying r) all_reasons); [discriminate |].
    destruct (existsb (fun r => fired r && negb (shown' r)) all_reasons); discriminate.
  - assert (P : outcome_with fired shown' = Permit); [| rewrite P; auto].
    rewrite permit_spec in *. intros r F. destruct (E r F) as (D & S). auto.
Qed.
