/** Layers that prepare numbers for a network, with settings found before training. */

export { categoryEncoding } from "./category_encoding.ts";
export type { CategoryEncodingOptions } from "./category_encoding.ts";
export { discretization } from "./discretization.ts";
export type { DiscretizationOptions } from "./discretization.ts";
export type { IdEncoding } from "./encode_ids.ts";
export { integerLookup } from "./integer_lookup.ts";
export type { IntegerLookupOptions } from "./integer_lookup.ts";
export { melSpectrogramLayer } from "./mel_spectrogram_layer.ts";
export type { MelSpectrogramLayerOptions } from "./mel_spectrogram_layer.ts";
export { normalization } from "./normalization.ts";
export type { FeatureNormalizationOptions } from "./normalization.ts";
export { rescaling } from "./rescaling.ts";
export type { RescalingOptions } from "./rescaling.ts";
export type { AdaptableLayer, AdaptSamples } from "./samples.ts";
export { stftSpectrogram } from "./stft_spectrogram.ts";
export type { SpectrogramMode, StftSpectrogramOptions } from "./stft_spectrogram.ts";
