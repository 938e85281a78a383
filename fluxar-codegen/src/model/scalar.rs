//! The built-in types.

macro_rules! scalars {
    ($($(#[$about:meta])* $variant:ident = $name:literal,)*) => {
        /// A built-in type without parameters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scalar {
            $($(#[$about])* $variant,)*
        }

        impl Scalar {
            /// Every scalar, in the order of their numbers in descriptors (from 0).
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in contracts.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

scalars! {
    /// Nothing: what a method without a result answers. It has no name in contract files.
    Unit = "unit",
    /// `true` or `false`.
    Bool = "bool",
    /// 8 bits, unsigned.
    U8 = "u8",
    /// 16 bits, unsigned.
    U16 = "u16",
    /// 32 bits, unsigned.
    U32 = "u32",
    /// 64 bits, unsigned.
    U64 = "u64",
    /// 8 bits.
    I8 = "i8",
    /// 16 bits.
    I16 = "i16",
    /// 32 bits.
    I32 = "i32",
    /// 64 bits.
    I64 = "i64",
    /// From -(2^53-1) to 2^53-1: exact in every language.
    Int = "int",
    /// Single precision.
    F32 = "f32",
    /// Double precision.
    F64 = "f64",
    /// Text in UTF-8.
    String = "string",
    /// Bytes.
    Bytes = "bytes",
    /// 128 bits.
    Uuid = "uuid",
    /// A point in time: microseconds since 1970, UTC.
    Timestamp = "timestamp",
    /// A length of time in microseconds.
    Duration = "duration",
    /// A decimal number as text.
    Decimal = "decimal",
    /// A URL as text.
    Url = "url",
    /// Any CBOR item.
    Any = "any",
}

impl Scalar {
    /// The scalar of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scalar| scalar.name() == name)
    }

    /// The least and the greatest value of an integer type.
    #[must_use]
    pub fn int_range(self) -> Option<(i128, i128)> {
        const INT_MAX: i128 = (1 << 53) - 1;
        Some(match self {
            Self::U8 => (0, u8::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
            Self::I8 => (i8::MIN.into(), i8::MAX.into()),
            Self::I16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 => (i64::MIN.into(), i64::MAX.into()),
            Self::Int => (-INT_MAX, INT_MAX),
            _ => return None,
        })
    }

    /// True for `f32` and `f64`.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// True when its values are text on the wire.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::String | Self::Decimal | Self::Url)
    }
}
