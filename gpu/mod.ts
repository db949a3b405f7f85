export { openWebGpu, WebGpuDevice, type WebGpuOptions } from "./device.ts";
