(** The audit chain, as in [nucleus_audit]: each record's hash covers the record and the hash before it.

    The hash is any function that is injective in both arguments and never gives the value the chain begins with:
    the usual idealisation of a collision-resistant hash. What the chain shows and what only a checkpoint shows are
    told apart. *)
From Coq Require Import List Bool Arith Lia.
Import ListNotations.

Section Chain.
Variables record digest : Type.
Variable genesis : digest.
Variable hash : digest -> record -> digest.
Hypothesis hash_injective : forall d r d' r', hash d r = hash d' r' -> d = d' /\ r = r'.
Hypothesis hash_not_genesis : forall d r, hash d r <> genesis.

(** The head of a log from a given start. *)
Fixpoint head_from (d : digest) (log : list record) : digest :=
  match log with [] => d | r :: rest => head_from (hash d r) rest end.
Definition head (log : list record) : digest := head_from genesis log.

(** A log as it is stored: each record with the hash of the one before and its own. *)
Record entry := { body : record; previous : digest; own : digest }.
Fixpoint store_from (d : digest) (log : list record) : list entry :=
  match log with
  | [] => []
  | r :: rest => {| body := r; previous := d; own := hash d r |} :: store_from (hash d r) rest
  end.
Definition store (log : list record) := store_from genesis log.
(** What verify checks of the stored entries. *)
Fixpoint sound_from (d : digest) (entries : list entry) : Prop :=
  match entries with
  | [] => True
  | e :: rest => previous e = d /\ own e = hash d (body e) /\ sound_from (own e) rest
  end.
Definition sound (entries : list entry) : Prop := sound_from genesis entries.

Lemma stored_is_sound_from log : forall d, sound_from d (store_from d log).
Proof. induction log; simpl; auto. Qed.
(** What the log writes verifies. *)
Theorem stored_is_sound log : sound (store log).
Proof. apply stored_is_sound_from. Qed.
Lemma sound_is_stored_from entries : forall d, sound_from d entries -> entries = store_from d (map body entries).
Proof.
  induction entries as [| [b p o] rest IH]; intros d H; simpl in *; [reflexivity |].
  destruct H as (-> & -> & H). f_equal. apply IH, H.
Qed.
(** What verifies is what the log would have written for those records: nothing is left to choose. *)
Theorem sound_is_stored entries : sound entries -> entries = store (map body entries).
Proof. apply sound_is_stored_from. Qed.

Lemma head_from_app log more : forall d, head_from d (log ++ more) = head_from (head_from d log) more.
Proof. induction log; intros d; simpl; auto. Qed.
Lemma head_snoc log r : head (log ++ [r]) = hash (head log) r.
Proof. unfold head. rewrite head_from_app. reflexivity. Qed.

(** The head pins the whole log: two logs with the same head are the same log. *)
Theorem head_pins_the_log : forall log log', head log = head log' -> log = log'.
Proof.
  induction log as [| r log IH] using rev_ind; intros log' H.
  - destruct log' as [| x rest] using rev_ind; [reflexivity |]. rewrite head_snoc in H. unfold head in H; simpl in H.
    symmetry in H. apply hash_not_genesis in H. destruct H.
  - destruct log' as [| x log' _] using rev_ind.
    + rewrite head_snoc in H. unfold head in H; simpl in H. apply hash_not_genesis in H. destruct H.
    + rewrite !head_snoc in H. apply hash_injective in H as (H & ->). rewrite (IH _ H). reflexivity.
Qed.

(** Against a signed head: any edit shows. *)
Theorem edit_is_detected before r r' after :
  r <> r' -> head (before ++ r' :: after) <> head (before ++ r :: after).
Proof. intros N H. apply head_pins_the_log, app_inv_head in H. inversion H. auto. Qed.
(** Against a signed head: any deletion shows, of one record or of many. *)
Theorem deletion_is_detected before gone after :
  gone <> [] -> head (before ++ after) <> head (before ++ gone ++ after).
Proof.
  intros N H. apply head_pins_the_log in H. apply (f_equal (@length record)) in H.
  rewrite !app_length in H. destruct gone; [auto | simpl in H; lia].
Qed.
(** Against a signed head: any insertion shows. *)
Theorem insertion_is_detected before new after :
  new <> [] -> head (before ++ new ++ after) <> head (before ++ after).
Proof. intros N H. symmetry in H. exact (deletion_is_detected before new after N H). Qed.
(** Against a signed head: any change of order shows. *)
Theorem reorder_is_detected log log' : log <> log' -> head log <> head log'.
Proof. intros N H. apply N, head_pins_the_log, H. Qed.
(** Against a mirrored head: a tail that was cut off shows. *)
Theorem truncation_is_detected kept cut : cut <> [] -> head kept <> head (kept ++ cut).
Proof.
  intros N H. apply head_pins_the_log in H. apply (f_equal (@length record)) in H.
  rewrite app_length in H. destruct cut; [auto | simpl in H; lia].
Qed.
(** Without one it does not: what is left verifies by itself. *)
Theorem truncation_alone_is_sound kept cut : sound (store (kept ++ cut)) /\ sound (store kept).
Proof. split; apply stored_is_sound. Qed.

(** Inside a stored log, without any checkpoint: changing a record and not its hash shows. *)
Theorem unhashed_edit_is_unsound before e after r :
  sound (before ++ e :: after) -> r <> body e ->
  ~ sound (before ++ {| body := r; previous := previous e; own := own e |} :: after).
Proof.
  unfold sound. generalize genesis as d. induction before as [| b before IH]; simpl; intros d S N S'.
  - destruct S as (_ & O & _), S' as (_ & O' & _). simpl in O'. rewrite O in O'. apply hash_injective in O' as (_ & X).
    congruence.
  - destruct S as (_ & _ & S), S' as (_ & _ & S'). exact (IH _ S N S').
Qed.
(** Inside a stored log, without any checkpoint: taking records out of the middle shows. *)
Theorem middle_deletion_is_unsound before gone e after :
  gone <> [] -> sound (before ++ gone ++ e :: after) -> ~ sound (before ++ e :: after).
Proof.
  intros N S S'. apply N.
  assert (P : forall l d, sound_from d l -> forall x y z, l = x ++ y :: z -> previous y = head_from d (map body x)).
  { intros l. induction l as [| a l IH]; intros d Q x y z E; [destruct x; discriminate |].
    destruct Q as (Q1 & Q2 & Q3). destruct x as [| b x]; simpl in E; injection E as E1 E2.
    - rewrite <- E1. exact Q1.
    - subst b. simpl. rewrite <- Q2. exact (IH _ Q3 _ _ _ E2). }
  assert (A : previous e = head (map body before)).
  { eapply (P (before ++ e :: after)); [| reflexivity]. exact S'. }
  assert (B : previous e = head (map body (before ++ gone))).
  { eapply (P ((before ++ gone) ++ e :: after)); [| reflexivity]. rewrite <- app_assoc. exact S. }
  rewrite A in B. apply head_pins_the_log in B. rewrite map_app in B.
  apply (f_equal (@length record)) in B. rewrite app_length in B. destruct gone; [reflexivity | simpl in B; lia].
Qed.
(** A record of another session, or of this one from elsewhere, does not fit: its link is another. *)
Theorem splice_is_unsound before e after :
  previous e <> head (map body before) -> ~ sound (before ++ e :: after).
Proof.
  intros N S. apply N. clear N. revert S. unfold sound, head. generalize genesis as d.
  induction before as [| b before IH]; simpl; intros d S; [apply S |].
  destruct S as (_ & O & S). rewrite O in S. apply IH, S.
Qed.
End Chain.
