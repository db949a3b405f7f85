import { attentionForms } from "./attention.ts";
import { convolutionForms } from "./convolution.ts";
import { elementwiseForms } from "./elementwise.ts";
import type { OnnxForms } from "./form.ts";
import { lookupForms } from "./lookups.ts";
import { poolingForms } from "./pooling.ts";
import { productForms } from "./products.ts";
import { recurrenceForms } from "./recurrence.ts";
import { reductionForms } from "./reductions.ts";
import { sampleImageForms } from "./sample_image.ts";
import { viewForms } from "./views.ts";

/**
 * How ops are said in ONNX, by their names. A composite op that is not here is said as what it expands
 * to; any other one cannot be exported.
 */
export const onnxForms: OnnxForms = {
  ...attentionForms,
  ...convolutionForms,
  ...elementwiseForms,
  ...lookupForms,
  ...poolingForms,
  ...productForms,
  ...recurrenceForms,
  ...reductionForms,
  ...sampleImageForms,
  ...viewForms,
};
