// Copies the first half of the memory to the second, a vector a thread.
@group(1) @binding(0) var<uniform> places: array<vec4<u32>, 1>;
@group(1) @binding(1) var<storage, read_write> memory: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  memory[places[0].x + id.x] = memory[id.x];
}
