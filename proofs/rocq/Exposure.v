(** What a session has touched, as in [portcullis::exposure]: a set of three labels under union. *)
From Coq Require Import Bool Setoid.

Record exposure := { priv : bool; untrusted : bool; exfil : bool }.
Definition none : exposure := {| priv := false; untrusted := false; exfil := false |}.
Definition ejoin (e f : exposure) : exposure :=
  {| priv := priv e || priv f; untrusted := untrusted e || untrusted f; exfil := exfil e || exfil f |}.
Definition ele (e f : exposure) : Prop :=
  (priv e = true -> priv f = true) /\ (untrusted e = true -> untrusted f = true) /\ (exfil e = true -> exfil f = true).
Definition trifecta (e : exposure) : bool := priv e && untrusted e && exfil e.
Definition sourced_any (e : exposure) : bool := priv e || untrusted e.

Ltac labels := repeat match goal with e : exposure |- _ => destruct e as [[] [] []] end;
  unfold ele, ejoin, trifecta, sourced_any in *; simpl in *; intuition congruence.

Lemma exposure_le_refl e : ele e e. Proof. unfold ele; auto. Qed.
Lemma exposure_le_trans e f g : ele e f -> ele f g -> ele e g. Proof. unfold ele; intuition. Qed.
Lemma exposure_le_antisym e f : ele e f -> ele f e -> e = f. Proof. labels. Qed.
(** A commutative, idempotent monoid. *)
Lemma exposure_join_unit e : ejoin none e = e. Proof. destruct e; reflexivity. Qed.
Lemma exposure_join_assoc e f g : ejoin e (ejoin f g) = ejoin (ejoin e f) g.
Proof. unfold ejoin; simpl; rewrite !orb_assoc; reflexivity. Qed.
Lemma exposure_join_comm e f : ejoin e f = ejoin f e.
Proof. unfold ejoin; rewrite (orb_comm (priv e)), (orb_comm (untrusted e)), (orb_comm (exfil e)); reflexivity. Qed.
Lemma exposure_join_idem e : ejoin e e = e.
Proof. destruct e as [[] [] []]; reflexivity. Qed.
Lemma exposure_join_upper e f : ele e (ejoin e f) /\ ele f (ejoin e f).
Proof. unfold ele, ejoin; simpl; repeat split; intros H; rewrite H; auto using orb_true_r. Qed.
Lemma exposure_join_least e f g : ele e g -> ele f g -> ele (ejoin e f) g.
Proof. unfold ele, ejoin; simpl; rewrite !orb_true_iff; intuition. Qed.
Lemma exposure_join_mono e f g : ele e f -> ele (ejoin e g) (ejoin f g).
Proof. unfold ele, ejoin; simpl; rewrite !orb_true_iff; intuition. Qed.
Lemma trifecta_mono e f : ele e f -> trifecta e = true -> trifecta f = true.
Proof. unfold ele, trifecta; rewrite !andb_true_iff; intuition. Qed.
Lemma sourced_any_mono e f : ele e f -> sourced_any e = true -> sourced_any f = true.
Proof. unfold ele, sourced_any; rewrite !orb_true_iff; intuition. Qed.
