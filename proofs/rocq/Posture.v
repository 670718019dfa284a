(** The fixed part of an envelope and its normal form nu, as in [portcullis::posture]. *)
From Coq Require Import List Bool.
From Portcullis Require Import Level Exposure.

Record posture := { capabilities : caps; asks : opset; strict : bool; capability_trifecta : bool }.

(** Fewer levels, more obligations and stricter flow are less authority. *)
Definition ple (p q : posture) : Prop :=
  cle (capabilities p) (capabilities q) /\ (forall o, asks q o = true -> asks p o = true) /\
  (strict q = true -> strict p = true) /\ (capability_trifecta q = true -> capability_trifecta p = true).
Definition peq (p q : posture) : Prop :=
  ceq (capabilities p) (capabilities q) /\ (forall o, asks p o = asks q o) /\
  strict p = strict q /\ capability_trifecta p = capability_trifecta q.

(** The labels a session under this posture could ever reach. *)
Definition reach (p : posture) : exposure :=
  let g := granted (capabilities p) in
  {| priv := g RunBash || meets g reads; untrusted := g WebFetch || g WebSearch; exfil := meets g exfil_ops |}.

Definition nu (p : posture) : posture :=
  {| capabilities := capabilities p; strict := strict p; capability_trifecta := capability_trifecta p;
     asks := fun o => asks p o || (capability_trifecta p && trifecta (reach p) && exfil_ops o) |}.

Definition lower_bound (p q : posture) : posture :=
  {| capabilities := cmeet (capabilities p) (capabilities q); asks := fun o => asks p o || asks q o;
     strict := strict p || strict q; capability_trifecta := capability_trifecta p || capability_trifecta q |}.
(** What both grant. *)
Definition pmeet (p q : posture) : posture := nu (lower_bound p q).

Lemma posture_le_refl p : ple p p.
Proof. repeat split; auto using caps_le_refl. Qed.
Lemma posture_le_trans p q r : ple p q -> ple q r -> ple p r.
Proof. intros (A & B & C & D) (A' & B' & C' & D'). split; [eapply caps_le_trans; eauto | intuition]. Qed.
Lemma posture_le_antisym p q : ple p q -> ple q p -> peq p q.
Proof.
  intros (A & B & C & D) (A' & B' & C' & D'). split; [apply caps_le_antisym; auto | split; [| split]].
  - intros o. specialize (B o). specialize (B' o). destruct (asks p o), (asks q o); intuition congruence.
  - destruct (strict p), (strict q); intuition congruence.
  - destruct (capability_trifecta p), (capability_trifecta q); intuition congruence.
Qed.
Lemma lower_bound_lower p q : ple (lower_bound p q) p /\ ple (lower_bound p q) q.
Proof.
  split; (split; [apply caps_meet_lower | repeat split; simpl; intros; rewrite ?orb_true_iff; auto]).
Qed.
Lemma lower_bound_greatest p q r : ple r p -> ple r q -> ple r (lower_bound p q).
Proof.
  intros (A & B & C & D) (A' & B' & C' & D').
  split; [apply caps_meet_greatest; auto | repeat split; simpl; intros *; rewrite orb_true_iff; intuition].
Qed.

Theorem nu_deflationary p : ple (nu p) p.
Proof. repeat split; simpl; auto using caps_le_refl. intros o H; rewrite H; reflexivity. Qed.
Theorem nu_idempotent p : peq (nu (nu p)) (nu p).
Proof.
  split; [intros o; reflexivity | split; [| split; reflexivity]]. intros o. simpl.
  change (reach (nu p)) with (reach p).
  destruct (asks p o), (capability_trifecta p && trifecta (reach p) && exfil_ops o); reflexivity.
Qed.
Theorem nu_exact p : capability_trifecta p && trifecta (reach p) = false -> peq (nu p) p.
Proof.
  intros H. split; [intros o; reflexivity | split; [| split; reflexivity]].
  intros o. simpl. rewrite H. apply orb_false_r.
Qed.
Theorem nu_guards p o :
  capability_trifecta p = true -> trifecta (reach p) = true -> exfil_ops o = true -> asks (nu p) o = true.
Proof. intros A B C. simpl. rewrite A, B, C. apply orb_true_r. Qed.

Lemma reach_mono p q : ple p q -> ele (reach p) (reach q).
Proof.
  intros (A & _). unfold ele, reach; simpl. rewrite !orb_true_iff, !meets_spec.
  assert (G := fun o => granted_le _ _ o A). repeat split.
  - intros [H | (o & H & R)]; [left; auto | right; exists o; auto].
  - intros [H | H]; auto.
  - intros (o & H & R); exists o; auto.
Qed.

(** nu is not monotone: the wider posture completes the trifecta and gains obligations, the narrower does not. *)
Definition widest : posture :=
  {| capabilities := fun _ => Always; asks := fun _ => false; strict := false; capability_trifecta := true |}.
Definition only_push : posture :=
  {| capabilities := fun o => match o with GitPush => Always | _ => Never end; asks := fun _ => false;
     strict := false; capability_trifecta := true |}.
Theorem nu_not_monotone : ~ (forall p q, ple p q -> ple (nu p) (nu q)).
Proof.
  intros H. assert (L : ple only_push widest).
  { repeat split; simpl; auto. intros []; unfold lle; simpl; auto with arith. }
  destruct (H _ _ L) as (_ & F & _). specialize (F GitPush eq_refl). discriminate F.
Qed.
(** It is monotone between postures of the same reach and setting. *)
Theorem nu_monotone_same_reach p q :
  capability_trifecta p = capability_trifecta q -> trifecta (reach p) = trifecta (reach q) ->
  ple p q -> ple (nu p) (nu q).
Proof.
  intros T R (A & B & C & D). repeat split; simpl; auto.
  intros o. rewrite T, R, !orb_true_iff. intuition.
Qed.

Theorem meet_lower p q : ple (pmeet p q) p /\ ple (pmeet p q) q.
Proof. split; (eapply posture_le_trans; [apply nu_deflationary | apply lower_bound_lower]). Qed.
(** Among normal forms nothing lies between the meet and the greatest lower bound's normal form. *)
Theorem meet_is_nu_of_greatest p q r : ple r p -> ple r q -> ple r (lower_bound p q).
Proof. apply lower_bound_greatest. Qed.
