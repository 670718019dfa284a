(** Amounts and the ledger, as in [portcullis::budget].

    Rust counts in 64 bits and refuses what overflows. The model counts without bound and takes the greatest
    number as [limit]: where a sum would pass it, there is no result, as in Rust. *)
From Coq Require Import Bool NArith Lia.
Open Scope N_scope.

Record amount := { micro_usd : N; input_tokens : N; output_tokens : N }.
Definition zero : amount := {| micro_usd := 0; input_tokens := 0; output_tokens := 0 |}.
Definition ale (a b : amount) : Prop :=
  micro_usd a <= micro_usd b /\ input_tokens a <= input_tokens b /\ output_tokens a <= output_tokens b.
Definition aleb (a b : amount) : bool :=
  (micro_usd a <=? micro_usd b) && (input_tokens a <=? input_tokens b) && (output_tokens a <=? output_tokens b).
Definition plus (a b : amount) : amount :=
  {| micro_usd := micro_usd a + micro_usd b; input_tokens := input_tokens a + input_tokens b;
     output_tokens := output_tokens a + output_tokens b |}.
Definition minus (a b : amount) : amount :=
  {| micro_usd := micro_usd a - micro_usd b; input_tokens := input_tokens a - input_tokens b;
     output_tokens := output_tokens a - output_tokens b |}.
Definition amin (a b : amount) : amount :=
  {| micro_usd := N.min (micro_usd a) (micro_usd b); input_tokens := N.min (input_tokens a) (input_tokens b);
     output_tokens := N.min (output_tokens a) (output_tokens b) |}.
Definition all_of (n : N) : amount := {| micro_usd := n; input_tokens := n; output_tokens := n |}.

Definition checked_add (limit : N) (a b : amount) : option amount :=
  if aleb (plus a b) (all_of limit) then Some (plus a b) else None.
Definition checked_sub (a b : amount) : option amount := if aleb b a then Some (minus a b) else None.

Record ledger := { left : amount; held : amount }.
Definition open (maximum : amount) : ledger := {| left := maximum; held := zero |}.
Definition total (l : ledger) : amount := plus (left l) (held l).
Definition reserve (limit : N) (l : ledger) (cost : amount) : option ledger :=
  match checked_sub (left l) cost, checked_add limit (held l) cost with
  | Some left, Some held => Some {| left := left; held := held |}
  | _, _ => None
  end.
Definition settle (limit : N) (l : ledger) (reserved used : amount) : option ledger :=
  match checked_sub (held l) reserved, checked_sub reserved used with
  | Some held, Some rest =>
      match checked_add limit (left l) rest with
      | Some left => Some {| left := left; held := held |}
      | None => None
      end
  | _, _ => None
  end.
Definition tighten (l : ledger) (maximum : amount) : ledger := {| left := amin (left l) maximum; held := held l |}.

Lemma aleb_spec a b : aleb a b = true <-> ale a b.
Proof. unfold aleb, ale. rewrite !andb_true_iff, !N.leb_le. tauto. Qed.
Lemma amount_le_refl a : ale a a. Proof. unfold ale; lia. Qed.
Lemma amount_le_trans a b c : ale a b -> ale b c -> ale a c. Proof. unfold ale; lia. Qed.
Lemma amount_le_antisym a b : ale a b -> ale b a -> a = b.
Proof. destruct a, b; unfold ale; simpl; intros A B; f_equal; lia. Qed.
Lemma checked_sub_spec a b c : checked_sub a b = Some c -> ale b a /\ a = plus b c.
Proof.
  unfold checked_sub. destruct (aleb b a) eqn:E; [| discriminate]. intros H; inversion H; subst.
  apply aleb_spec in E. split; auto. destruct a; unfold ale, plus, minus in *; simpl in *; f_equal; lia.
Qed.
Lemma checked_add_spec limit a b c : checked_add limit a b = Some c -> c = plus a b.
Proof. unfold checked_add. destruct (aleb _ _); congruence. Qed.

(** Reserving moves and makes nothing. *)
Theorem reserve_keeps_total limit l cost l' : reserve limit l cost = Some l' -> total l' = total l.
Proof.
  unfold reserve. destruct (checked_sub (left l) cost) as [a |] eqn:Ha; [| discriminate].
  destruct (checked_add limit (held l) cost) as [h |] eqn:Hh; [| discriminate].
  intros X; inversion X; subst; clear X. apply checked_sub_spec in Ha as (_ & Ha). apply checked_add_spec in Hh. subst h.
  unfold total; simpl. rewrite Ha. unfold plus; simpl. f_equal; lia.
Qed.
Theorem reserve_covers limit l cost l' : reserve limit l cost = Some l' -> ale cost (left l).
Proof.
  unfold reserve. destruct (checked_sub (left l) cost) eqn:S; [| discriminate].
  intros _. apply checked_sub_spec in S. tauto.
Qed.
(** Settling spends exactly what was used. *)
Theorem settle_spends limit l reserved used l' :
  settle limit l reserved used = Some l' -> total l = plus used (total l').
Proof.
  unfold settle. destruct (checked_sub (held l) reserved) as [h |] eqn:Hh; [| discriminate].
  destruct (checked_sub reserved used) as [r |] eqn:Hr; [| discriminate].
  destruct (checked_add limit (left l) r) as [a |] eqn:Ha; [| discriminate].
  intros X; inversion X; subst; clear X. apply checked_sub_spec in Hh as (_ & Hh).
  apply checked_sub_spec in Hr as (_ & Hr). apply checked_add_spec in Ha. subst a.
  unfold total. rewrite Hh. simpl. rewrite Hr. unfold plus; simpl. f_equal; lia.
Qed.
Theorem settle_never_raises limit l reserved used l' :
  settle limit l reserved used = Some l' -> ale (total l') (total l).
Proof. intros H. rewrite (settle_spends _ _ _ _ _ H). unfold ale, plus; simpl; lia. Qed.
(** A reservation given back leaves the ledger as it was. *)
Theorem release_undoes_reserve limit l cost l' :
  reserve limit l cost = Some l' -> ale (left l) (all_of limit) -> settle limit l' cost zero = Some l.
Proof.
  intros H B. unfold reserve in H. destruct (checked_sub (left l) cost) as [a |] eqn:Ha; [| discriminate].
  destruct (checked_add limit (held l) cost) as [h |] eqn:Hh; [| discriminate]. inversion H; subst; clear H.
  apply checked_sub_spec in Ha as (_ & S). apply checked_add_spec in Hh. subst h.
  unfold settle; simpl.
  assert (X : checked_sub (plus (held l) cost) cost = Some (held l)).
  { unfold checked_sub. assert (E : aleb cost (plus (held l) cost) = true)
      by (apply aleb_spec; unfold ale, plus; simpl; lia).
    rewrite E. f_equal. destruct l as [? []]; unfold minus, plus; simpl; f_equal; lia. }
  assert (Y : checked_sub cost zero = Some cost).
  { unfold checked_sub. assert (E : aleb zero cost = true) by (apply aleb_spec; unfold ale, zero; simpl; lia).
    rewrite E. f_equal. destruct cost; unfold minus, zero; simpl; f_equal; lia. }
  assert (Z : plus a cost = left l). { rewrite S. unfold plus; simpl; f_equal; lia. }
  rewrite X, Y. unfold checked_add. rewrite Z.
  assert (E : aleb (left l) (all_of limit) = true) by (apply aleb_spec; exact B). rewrite E. destruct l; reflexivity.
Qed.
Theorem tighten_never_raises l maximum : ale (total (tighten l maximum)) (total l).
Proof. unfold total, tighten, ale, plus, amin; simpl; lia. Qed.
Theorem tighten_bounds l maximum : ale (left (tighten l maximum)) maximum.
Proof. unfold tighten, ale, amin; simpl; lia. Qed.
