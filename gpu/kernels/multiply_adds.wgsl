// Eight sums of four that take multiply-adds from registers; places[0].x says how many turns.
@group(1) @binding(0) var<uniform> places: array<vec4<u32>, 1>;
@group(1) @binding(1) var<storage, read_write> memory: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let factor = vec4<f32>(0.5);
  let term = vec4<f32>(1.0 + f32(id.x));
  var a = term;
  var b = term * 2.0;
  var c = term * 3.0;
  var d = term * 4.0;
  var e = term * 5.0;
  var f = term * 6.0;
  var g = term * 7.0;
  var h = term * 8.0;
  for (var turn = 0u; turn < places[0].x; turn++) {
    a = fma(a, factor, term);
    b = fma(b, factor, term);
    c = fma(c, factor, term);
    d = fma(d, factor, term);
    e = fma(e, factor, term);
    f = fma(f, factor, term);
    g = fma(g, factor, term);
    h = fma(h, factor, term);
  }
  // Written, so that no compiler finds them useless.
  memory[id.x & 1023u] = a + b + c + d + e + f + g + h;
}
