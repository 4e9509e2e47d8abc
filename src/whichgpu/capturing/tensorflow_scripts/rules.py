"""TensorFlow's operators as kinds of this program, by their type (https://www.tensorflow.org/api_docs/python/tf/raw_ops).

Products have handlers of their own (``products``); an operator in none of the lists is unknown, under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whichgpu.capturing.words import words
from whichgpu.graph import Attribute, Kind

ALIASES: Final = frozenset(
    words(
        """Reshape Squeeze ExpandDims Identity IdentityN StopGradient PreventGradient EnsureShape ReadVariableOp Bitcast
    CheckNumerics Snapshot"""
    )
)
"""Operators whose results are their first inputs, seen in another way."""

FREE: Final = frozenset(
    words(
        """Const Placeholder PlaceholderWithDefault NoOp Shape ShapeN Size Rank AssignVariableOp AssignAddVariableOp
    AssignSubVariableOp VarHandleOp VarIsInitializedOp StatelessRandomGetKeyCounter StatelessRandomGetAlg Assert Print
    BroadcastGradientArgs BroadcastArgs DynamicStitch ConcatOffset InvertPermutation Range ControlTrigger"""
    )
)
"""Operators that launch nothing on a GPU, or only on the processor that feeds it."""

_LISTS: Final[Mapping[Kind, str]] = {
    Kind.ELEMENTWISE: """Abs Add AddV2 AddN Sub Mul Div RealDiv DivNoNan FloorDiv FloorMod Mod Pow Square Sqrt
        SqrtGrad Rsqrt RsqrtGrad Reciprocal ReciprocalGrad Inv InvGrad Exp Expm1 Log Log1p Neg
        Sign Sin Cos Tan Tanh TanhGrad Sigmoid SigmoidGrad Relu ReluGrad Relu6 Relu6Grad LeakyRelu
        LeakyReluGrad Elu EluGrad Selu SeluGrad Softplus SoftplusGrad Softsign SoftsignGrad Erf
        Erfc Erfinv Maximum Minimum SquaredDifference BiasAdd Cast Select SelectV2 Greater
        GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr LogicalNot ClipByValue
        Round Floor Ceil Rint IsNan IsInf IsFinite Xdivy Xlogy MulNoNan Atan Atan2 Asin Acos Sinh
        Cosh Lgamma Digamma RightShift LeftShift BitwiseAnd BitwiseOr BitwiseXor""",
    Kind.SOFTMAX: "Softmax LogSoftmax",
    Kind.LOSS: "SparseSoftmaxCrossEntropyWithLogits SoftmaxCrossEntropyWithLogits CTCLoss CTCLossV2",
    Kind.REDUCTION: """Sum Mean Max Min Prod All Any ArgMax ArgMin BiasAddGrad L2Loss EuclideanNorm SegmentSum
        SegmentMean Bincount DenseBincount""",
    Kind.POOLING: """MaxPool MaxPoolV2 AvgPool MaxPoolGrad MaxPoolGradV2 AvgPoolGrad MaxPool3D AvgPool3D
        MaxPool3DGrad AvgPool3DGrad MaxPoolGradGrad MaxPoolWithArgmax""",
    Kind.COPY: """Transpose ConjugateTranspose ConcatV2 Concat Split SplitV Slice StridedSlice
        StridedSliceGrad Pad PadV2 MirrorPad MirrorPadGrad Pack Unpack Tile BroadcastTo ReverseV2
        Reverse SpaceToBatchND BatchToSpaceND SpaceToDepth DepthToSpace Roll MatrixDiag
        MatrixDiagPart MatrixDiagV3 MatrixDiagPartV3 MatrixBandPart Where BooleanMask
        ExtractImagePatches""",
    Kind.EMBEDDING: "ResourceGather Gather GatherV2 GatherNd ResourceGatherNd",
    Kind.SCATTER: """UnsortedSegmentSum UnsortedSegmentMax ScatterNd TensorScatterUpdate TensorScatterAdd
        ResourceScatterAdd""",
    Kind.RANDOM: """StatelessRandomUniformV2 StatelessRandomNormalV2 StatelessTruncatedNormalV2 RandomUniform
        RandomStandardNormal TruncatedNormal StatelessRandomUniform StatelessRandomNormal
        RandomUniformInt StatelessRandomUniformIntV2 RandomShuffle StatelessRandomUniformInt""",
    Kind.FILL: "Fill ZerosLike OnesLike OneHot",
    Kind.SORT: "TopKV2 TopK",
    Kind.SCAN: "Cumsum Cumprod",
    Kind.INTERPOLATION: """ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad
        ResizeBicubic ResizeBicubicGrad ImageProjectiveTransformV3 CropAndResize""",
    Kind.NMS: "NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 CombinedNonMaxSuppression",
    Kind.FFT: "FFT IFFT FFT2D IFFT2D RFFT IRFFT RFFT2D IRFFT2D",
}

KINDS: Final[Mapping[str, Kind]] = {name: kind for kind, names in _LISTS.items() for name in words(names)}

NORMS: Final[Mapping[str, Mapping[str, Attribute]]] = {
    "FusedBatchNormV3": {"norm": "batch"},
    "FusedBatchNormGradV3": {"norm": "batch"},
    "FusedBatchNormV2": {"norm": "batch"},
    "FusedBatchNormGradV2": {"norm": "batch"},
}
