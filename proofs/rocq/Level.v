(** Operations, levels and capability vectors, as in [portcullis::operation] and [portcullis::level].

    A set of operations is its characteristic function; a capability vector gives each operation a level.
    Equality of functions is always taken point by point, so that no axiom of extensionality is needed. *)
From Coq Require Import List Bool Arith Lia.
Import ListNotations.

Inductive op :=
  ReadFiles | GlobSearch | GrepSearch | WriteFiles | EditFiles | RunBash
| WebSearch | WebFetch | GitCommit | GitPush | CreatePr | ManagePods.

(** In the order of their numbers. *)
Definition ops : list op :=
  [ReadFiles; GlobSearch; GrepSearch; WriteFiles; EditFiles; RunBash;
   WebSearch; WebFetch; GitCommit; GitPush; CreatePr; ManagePods].

Lemma ops_complete : forall o, In o ops.
Proof. destruct o; simpl; tauto. Qed.

Definition opset := op -> bool.
Definition reads : opset := fun o => match o with ReadFiles | GlobSearch | GrepSearch => true | _ => false end.
Definition exfil_ops : opset := fun o => match o with WebSearch | WebFetch | GitPush | CreatePr => true | _ => false end.

Definition empty (s : opset) : bool := forallb (fun o => negb (s o)) ops.
Definition meets (s t : opset) : bool := existsb (fun o => s o && t o) ops.
Definition within (s t : opset) : bool := forallb (fun o => implb (s o) (t o)) ops.

Lemma within_spec s t : within s t = true <-> (forall o, s o = true -> t o = true).
Proof.
  unfold within. rewrite forallb_forall. split.
  - intros H o S. specialize (H o (ops_complete o)). rewrite S in H. exact H.
  - intros H o _. specialize (H o). destruct (s o); simpl; auto.
Qed.
Lemma not_within s t : within s t = false -> exists o, In o ops /\ implb (s o) (t o) = false.
Proof.
  unfold within. induction ops as [| o l IH]; simpl; [discriminate |]. intros H.
  apply andb_false_iff in H as [H | H]; [exists o; auto | destruct (IH H) as (o' & I & E); exists o'; auto].
Qed.
Lemma meets_spec s t : meets s t = true <-> (exists o, s o = true /\ t o = true).
Proof.
  unfold meets. rewrite existsb_exists. split.
  - intros (o & _ & H). apply andb_true_iff in H. exists o. exact H.
  - intros (o & H). exists o. split; [apply ops_complete | apply andb_true_iff; exact H].
Qed.
Lemma empty_spec s : empty s = true <-> (forall o, s o = false).
Proof.
  unfold empty. rewrite forallb_forall. split.
  - intros H o. specialize (H o (ops_complete o)). destruct (s o); [discriminate | reflexivity].
  - intros H o _. rewrite (H o). reflexivity.
Qed.

Inductive level := Never | LowRisk | Always.
Definition rank (l : level) : nat := match l with Never => 0 | LowRisk => 1 | Always => 2 end.
Definition lle (a b : level) : Prop := rank a <= rank b.
Definition lmeet (a b : level) : level :=
  match a, b with Never, _ | _, Never => Never | LowRisk, _ | _, LowRisk => LowRisk | Always, Always => Always end.
Definition ljoin (a b : level) : level :=
  match a, b with Always, _ | _, Always => Always | LowRisk, _ | _, LowRisk => LowRisk | Never, Never => Never end.
Definition limplies (a b : level) : level := if rank a <=? rank b then Always else b.

Ltac levels := repeat match goal with a : level |- _ => destruct a end; unfold lle in *; simpl in *; try lia; try reflexivity.

Lemma level_le_refl a : lle a a. Proof. levels. Qed.
Lemma level_le_trans a b c : lle a b -> lle b c -> lle a c. Proof. unfold lle; lia. Qed.
Lemma level_le_antisym a b : lle a b -> lle b a -> a = b. Proof. levels. Qed.
Lemma level_le_total a b : lle a b \/ lle b a. Proof. unfold lle; lia. Qed.
Lemma level_meet_lower a b : lle (lmeet a b) a /\ lle (lmeet a b) b. Proof. levels. Qed.
Lemma level_meet_greatest a b c : lle c a -> lle c b -> lle c (lmeet a b). Proof. levels. Qed.
Lemma level_join_upper a b : lle a (ljoin a b) /\ lle b (ljoin a b). Proof. levels. Qed.
Lemma level_join_least a b c : lle a c -> lle b c -> lle (ljoin a b) c. Proof. levels. Qed.
Lemma level_distributes a b c : lmeet a (ljoin b c) = ljoin (lmeet a b) (lmeet a c). Proof. levels. Qed.
(** The Heyting adjunction: what is missing from [a] to be granted as far as [b]. *)
Theorem level_adjunction a b x : lle (lmeet a x) b <-> lle x (limplies a b).
Proof. destruct a, b, x; unfold lle, limplies; simpl; lia. Qed.
Lemma level_modus_ponens a b : lle (lmeet a (limplies a b)) b.
Proof. apply level_adjunction, level_le_refl. Qed.
Lemma level_implies_top a b : limplies a b = Always <-> lle a b \/ b = Always.
Proof. destruct a, b; unfold lle, limplies; simpl; split; intros H; auto; try discriminate; try lia; destruct H; try lia; try discriminate. Qed.

Definition caps := op -> level.
Definition cle (p q : caps) : Prop := forall o, lle (p o) (q o).
Definition ceq (p q : caps) : Prop := forall o, p o = q o.
Definition cmeet (p q : caps) : caps := fun o => lmeet (p o) (q o).
Definition cjoin (p q : caps) : caps := fun o => ljoin (p o) (q o).
Definition cimplies (p q : caps) : caps := fun o => limplies (p o) (q o).

Lemma caps_le_refl p : cle p p. Proof. intros o; apply level_le_refl. Qed.
Lemma caps_le_trans p q r : cle p q -> cle q r -> cle p r.
Proof. intros A B o; eapply level_le_trans; [apply A | apply B]. Qed.
Lemma caps_le_antisym p q : cle p q -> cle q p -> ceq p q.
Proof. intros A B o; apply level_le_antisym; auto. Qed.
Lemma caps_meet_lower p q : cle (cmeet p q) p /\ cle (cmeet p q) q.
Proof. split; intros o; apply level_meet_lower. Qed.
Lemma caps_meet_greatest p q r : cle r p -> cle r q -> cle r (cmeet p q).
Proof. intros A B o; apply level_meet_greatest; auto. Qed.
Lemma caps_join_upper p q : cle p (cjoin p q) /\ cle q (cjoin p q).
Proof. split; intros o; apply level_join_upper. Qed.
Lemma caps_join_least p q r : cle p r -> cle q r -> cle (cjoin p q) r.
Proof. intros A B o; apply level_join_least; auto. Qed.
Lemma caps_distributes p q r : ceq (cmeet p (cjoin q r)) (cjoin (cmeet p q) (cmeet p r)).
Proof. intros o; apply level_distributes. Qed.
(** The Heyting adjunction of capability vectors. *)
Theorem caps_adjunction p q x : cle (cmeet p x) q <-> cle x (cimplies p q).
Proof. split; intros H o; apply level_adjunction, H. Qed.

Definition granted (p : caps) : opset := fun o => match p o with Never => false | _ => true end.
Definition unconditional (p : caps) : opset := fun o => match p o with Always => true | _ => false end.

Lemma granted_le p q o : cle p q -> granted p o = true -> granted q o = true.
Proof. intros L. specialize (L o). unfold granted, lle in *. destruct (p o), (q o); simpl in *; auto; lia. Qed.
Lemma unconditional_le p q o : cle p q -> unconditional p o = true -> unconditional q o = true.
Proof. intros L. specialize (L o). unfold unconditional, lle in *. destruct (p o), (q o); simpl in *; auto; try discriminate; lia. Qed.
Lemma granted_below p q o : cle p q -> granted q o = false -> granted p o = false.
Proof. intros L G. destruct (granted p o) eqn:E; auto. rewrite (granted_le p q o L E) in G. discriminate. Qed.
