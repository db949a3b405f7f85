// places[0] holds a word's number, the bits to replace, and their new values.
@group(1) @binding(0) var<uniform> places: array<vec4<u32>, 1>;
@group(1) @binding(1) var<storage, read_write> memory: array<u32>;

@compute @workgroup_size(1)
fn main() {
  let patched = places[0];
  memory[patched.x] = (memory[patched.x] & ~patched.y) | patched.z;
}
