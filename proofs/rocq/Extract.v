(** The model as an OCaml program, for the differential test: [proofs/difftest]. *)
From Coq Require Import List NArith ExtrOcamlBasic ExtrOcamlNatInt ExtrOcamlZInt.
From Portcullis Require Import Level Exposure Posture Verdict Budget Session.
Extraction Language OCaml.
Extraction "model.ml" ops all_reasons nu step fires outcome_with.
