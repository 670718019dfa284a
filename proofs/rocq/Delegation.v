(** Delegation: sessions that start sessions, each at most as wide as the one that started it.

    A tree node holds what its session may do, how deep it may delegate and what its budget is. What a child
    is given is asked for by the parent and met with the parent's own, as [Posture::meet] and [Envelope::attenuate] do. *)
From Coq Require Import List Bool NArith Lia.
From Portcullis Require Import Level Exposure Posture Verdict Budget.
Import ListNotations.
Open Scope N_scope.

Record grant := { may : posture; depth : N; share : amount; until_ms : N }.
Definition gle (a b : grant) : Prop :=
  ple (may a) (may b) /\ depth a <= depth b /\ ale (share a) (share b) /\ until_ms a <= until_ms b.
(** What a parent gives on request; nothing once its depth is used up. *)
Definition delegate (parent asked : grant) : option grant :=
  if depth parent =? 0 then None
  else Some {| may := pmeet (may parent) (may asked); depth := N.min (depth parent - 1) (depth asked);
               share := amin (share parent) (share asked); until_ms := N.min (until_ms parent) (until_ms asked) |}.

Lemma grant_le_refl a : gle a a.
Proof. repeat split; auto using caps_le_refl; unfold ale; lia. Qed.
Lemma grant_le_trans a b c : gle a b -> gle b c -> gle a c.
Proof.
  intros (P & D & S & U) (P' & D' & S' & U').
  split; [eapply posture_le_trans; eauto | split; [lia | split; [eapply amount_le_trans; eauto | lia]]].
Qed.
Theorem delegation_ceiling parent asked child : delegate parent asked = Some child -> gle child parent /\ depth child < depth parent.
Proof.
  unfold delegate. destruct (depth parent =? 0) eqn:E; [discriminate |]. apply N.eqb_neq in E.
  intros H; inversion H; subst; clear H. split; [split; [apply meet_lower | split; [| split]] |]; simpl; try lia.
  unfold ale, amin; simpl; lia.
Qed.
Theorem delegation_gives_no_more_than_asked parent asked child :
  delegate parent asked = Some child -> gle child asked.
Proof.
  unfold delegate. destruct (depth parent =? 0); [discriminate |]. intros H; inversion H; subst; clear H.
  split; [apply meet_lower | split; [| split]]; simpl; try lia. unfold ale, amin; simpl; lia.
Qed.

(** A chain of delegations, each from the one before. *)
Fixpoint chain (root : grant) (asked : list grant) : option grant :=
  match asked with
  | [] => Some root
  | a :: rest => match delegate root a with Some child => chain child rest | None => None end
  end.
Theorem chain_stays_under_the_root asked : forall root last, chain root asked = Some last -> gle last root.
Proof.
  induction asked as [| a rest IH]; simpl; intros root last H.
  - inversion H; subst. apply grant_le_refl.
  - destruct (delegate root a) as [child |] eqn:D; [| discriminate].
    apply delegation_ceiling in D as (D & _). eapply grant_le_trans; [apply (IH child); exact H | exact D].
Qed.
Theorem chain_is_no_longer_than_the_depth asked : forall root last,
  chain root asked = Some last -> N.of_nat (length asked) + depth last <= depth root.
Proof.
  induction asked as [| a rest IH]; simpl length; intros root last H; simpl in H.
  - inversion H; subst. lia.
  - destruct (delegate root a) as [child |] eqn:D; [| discriminate].
    apply delegation_ceiling in D as (_ & D). specialize (IH child last H). lia.
Qed.

(** Trees of sessions. *)
Inductive tree := Node (g : grant) (children : list tree).
Definition grant_of (t : tree) := match t with Node g _ => g end.
(** Every child was given by its parent. *)
Inductive delegated : tree -> Prop :=
| Delegated g children :
    (forall c, In c children -> exists asked, delegate g asked = Some (grant_of c)) ->
    (forall c, In c children -> delegated c) -> delegated (Node g children).
Inductive inside : tree -> tree -> Prop :=
| Here t : inside t t
| There g children c t : In c children -> inside t c -> inside t (Node g children).

(** Every session of a tree stands under its root, however deep. *)
Theorem tree_stays_under_the_root t : delegated t -> forall u, inside u t -> gle (grant_of u) (grant_of t).
Proof.
  induction 1 as [g children G D IH]. intros u I.
  remember (Node g children) as t eqn:T. destruct I as [t | g' children' c u C I]; [apply grant_le_refl |].
  inversion T; subst; clear T. simpl. eapply grant_le_trans; [eapply IH; eauto |].
  destruct (G c C) as (asked & A). apply delegation_ceiling in A as (A & _). exact A.
Qed.
Theorem tree_never_grants_what_the_root_does_not t o : delegated t ->
  granted (capabilities (may (grant_of t))) o = false ->
  forall u, inside u t -> granted (capabilities (may (grant_of u))) o = false.
Proof.
  intros D G u I. destruct (tree_stays_under_the_root t D u I) as ((C & _) & _). eapply granted_below; eauto.
Qed.
Theorem tree_keeps_obligations t o : delegated t -> asks (may (grant_of t)) o = true ->
  forall u, inside u t -> asks (may (grant_of u)) o = true.
Proof. intros D A u I. destruct (tree_stays_under_the_root t D u I) as ((_ & K & _) & _). auto. Qed.
(** What any session of the tree is permitted, the root's policy permits too, in the same situation. *)
Theorem tree_permits_no_more_than_the_root t w f reserved shown : delegated t ->
  forall u, inside u t -> verdict (may (grant_of u)) w f reserved shown = Permit ->
  verdict (may (grant_of t)) w f reserved shown = Permit.
Proof.
  intros D u I P. destruct (tree_stays_under_the_root t D u I) as (L & _). eapply permit_monotone_in_posture; eauto.
Qed.

(** Money in trees: a child's reservation is taken from its parent's ledger before it is spent. *)
Definition spend (limit : N) (parent : ledger) (given : amount) (used : amount) : option ledger :=
  match reserve limit parent given with Some l => settle limit l given used | None => None end.
Fixpoint spend_all (limit : N) (parent : ledger) (uses : list (amount * amount)) : option ledger :=
  match uses with
  | [] => Some parent
  | (given, used) :: rest => match spend limit parent given used with Some l => spend_all limit l rest | None => None end
  end.
Definition sum (uses : list (amount * amount)) : amount := fold_right (fun u acc => plus (snd u) acc) zero uses.
Lemma spend_spends limit l given used l' : spend limit l given used = Some l' -> total l = plus used (total l').
Proof.
  unfold spend. destruct (reserve limit l given) as [r |] eqn:R; [| discriminate]. intros S.
  rewrite <- (reserve_keeps_total _ _ _ _ R). eapply settle_spends; eauto.
Qed.
(** Children together never spend more than their parent had. *)
Theorem children_never_spend_more_than_the_parent_had limit uses : forall l l',
  spend_all limit l uses = Some l' -> total l = plus (sum uses) (total l').
Proof.
  induction uses as [| (given, used) rest IH]; simpl; intros l l' H.
  - inversion H; subst. destruct (total l'); unfold plus; simpl; f_equal; lia.
  - destruct (spend limit l given used) as [m |] eqn:S; [| discriminate].
    rewrite (spend_spends _ _ _ _ _ S), (IH _ _ H). unfold plus, sum; simpl; f_equal; lia.
Qed.
