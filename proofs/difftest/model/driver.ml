(* Reads traces on stdin, runs the extracted model, writes what each event came to and the last state on stdout.
   The layout is that of [proofs/difftest/src/wire.rs]; all numbers are little-endian. *)
open Model

let operations = Array.of_list ops
let reasons_in_order = Array.of_list all_reasons

(* Constant constructors are their own index, in the order of declaration; checked once, below. *)
let number_of_op (o : op) : int = Obj.magic o
let number_of_reason (r : reason) : int = Obj.magic r

let () =
  Array.iteri (fun i o -> assert (number_of_op o = i)) operations;
  Array.iteri (fun i r -> assert (number_of_reason r = i)) reasons_in_order

(* Sets are functions in the model and bits on the wire. *)
let set_of_bits bits : opset = fun o -> (bits lsr number_of_op o) land 1 = 1
let bits_of_set (s : opset) =
  let bits = ref 0 in
  Array.iteri (fun i o -> if s o then bits := !bits lor (1 lsl i)) operations;
  !bits
let reasons_of_bits bits : reasons = fun r -> (bits lsr number_of_reason r) land 1 = 1
let bits_of_reasons (s : reasons) =
  let bits = ref 0 in
  Array.iteri (fun i r -> if s r then bits := !bits lor (1 lsl i)) reasons_in_order;
  !bits

let level_of_bits = function 0 -> Never | 1 -> LowRisk | _ -> Always
let bits_of_level = function Never -> 0 | LowRisk -> 1 | Always -> 3
let caps_of_bits bits : caps =
  let table = Array.init 12 (fun i -> level_of_bits ((bits lsr (2 * i)) land 3)) in
  fun o -> Array.unsafe_get table (number_of_op o)
let bits_of_caps (c : caps) =
  let bits = ref 0 in
  Array.iteri (fun i o -> bits := !bits lor (bits_of_level (c o) lsl (2 * i))) operations;
  !bits

let exposure_of_bits bits =
  { priv = bits land 1 <> 0; untrusted = bits land 2 <> 0; exfil = bits land 4 <> 0 }
let bits_of_exposure e =
  (if e.priv then 1 else 0) lor (if e.untrusted then 2 else 0) lor (if e.exfil then 4 else 0)

let u8 = Bytes.get_uint8
let u16 = Bytes.get_uint16_le
let u32 b at = Int32.to_int (Bytes.get_int32_le b at) land 0xFFFFFFFF
let amount b at = { micro_usd = u32 b at; input_tokens = u32 b (at + 4); output_tokens = u32 b (at + 8) }

let posture b at =
  let flags = u8 b (at + 6) in
  { capabilities = caps_of_bits (u32 b at); asks = set_of_bits (u16 b (at + 4));
    strict = flags land 1 <> 0; capability_trifecta = flags land 2 <> 0 }
(* The same posture as tables: closures over closures would grow with the trace. *)
let tabulated p =
  { capabilities = caps_of_bits (bits_of_caps p.capabilities); asks = set_of_bits (bits_of_set p.asks);
    strict = p.strict; capability_trifecta = p.capability_trifecta }

let facts b at =
  let flags = u8 b (at + 7) in
  { operations = set_of_bits (u16 b at); listed = set_of_bits (u16 b (at + 2)); blocked = set_of_bits (u16 b (at + 4));
    sources = exposure_of_bits (u8 b (at + 6)); exfil_sink = flags land 1 <> 0; effect_sink = flags land 2 <> 0;
    activation = flags land 4 <> 0; sourced = flags land 8 <> 0; unclassified = flags land 16 <> 0 }

let event b at =
  match u8 b at with
  | 0 -> Request (facts b (at + 4), amount b (at + 12), reasons_of_bits (u16 b (at + 2)))
  | 1 -> Settle (amount b (at + 4), amount b (at + 16))
  | 2 -> Tighten (posture b (at + 4), amount b (at + 12), u32 b (at + 24))
  | 3 -> Clock (u32 b (at + 4))
  | 4 -> Expose (exposure_of_bits (u8 b (at + 4)))
  | 5 -> Lockdown
  | 6 -> Lift
  | _ -> End

let limit = max_int
let head_bytes = 32
let event_bytes = 32
let answer_bytes = 3
let state_bytes = 80

let put_answer out at a =
  let kind, fired =
    match a with
    | Ignored -> 0, 0
    | Applied -> 1, 0
    | Judged (fired, Deny) -> 2, bits_of_reasons fired
    | Judged (fired, NeedsApproval) -> 3, bits_of_reasons fired
    | Judged (fired, Permit) -> 4, bits_of_reasons fired
  in
  Bytes.set_uint8 out at kind;
  Bytes.set_uint16_le out (at + 1) fired

let put_state out at s =
  let put k n = Bytes.set_int64_le out (at + k) (Int64.of_int n) in
  let put_amount k a = put k a.micro_usd; put (k + 8) a.input_tokens; put (k + 16) a.output_tokens in
  Bytes.fill out at state_bytes '\000';
  Bytes.set_int32_le out at (Int32.of_int (bits_of_caps s.authority.capabilities));
  Bytes.set_uint16_le out (at + 4) (bits_of_set s.authority.asks);
  Bytes.set_uint8 out (at + 6) ((if s.authority.strict then 1 else 0) lor (if s.authority.capability_trifecta then 2 else 0));
  Bytes.set_uint8 out (at + 7) (match s.life with Active -> 0 | Locked -> 1 | Ended -> 2);
  Bytes.set_uint8 out (at + 8) (bits_of_exposure s.touched);
  put_amount 16 s.account.left;
  put_amount 40 s.account.held;
  put 64 s.now_ms;
  put 72 s.deadline_ms

let () =
  set_binary_mode_in stdin true;
  set_binary_mode_out stdout true;
  let head = Bytes.create head_bytes and body = Bytes.create (255 * event_bytes) in
  let out = Bytes.create ((255 * answer_bytes) + state_bytes) in
  try
    while true do
      really_input stdin head 0 head_bytes;
      let count = u8 head 0 in
      really_input stdin body 0 (count * event_bytes);
      let now = u32 head 24 in
      let s =
        ref { authority = tabulated (nu (posture head 4)); life = Active; touched = exposure_of_bits 0;
              account = { left = amount head 12; held = { micro_usd = 0; input_tokens = 0; output_tokens = 0 } };
              now_ms = now; deadline_ms = now + u32 head 28 }
      in
      for k = 0 to count - 1 do
        let e = event body (k * event_bytes) in
        let s', a = step limit !s e in
        put_answer out (k * answer_bytes) a;
        s := (match e with Tighten _ -> { s' with authority = tabulated s'.authority } | _ -> s')
      done;
      put_state out (count * answer_bytes) !s;
      output stdout out 0 ((count * answer_bytes) + state_bytes)
    done
  with End_of_file -> flush stdout
