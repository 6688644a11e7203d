package spelling_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/amparo-project/amparo/internal/spelling"
	"pgregory.net/rapid"
)

// anyName draws words of several scripts and sizes.
func anyName() *rapid.Generator[string] {
	word := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z]{1,12}`),
		rapid.StringMatching(`[а-яёіїєґ]{1,10}`),
		rapid.StringMatching(`[ا-غف-يپچگک]{1,8}`),
		rapid.StringMatching(`[क-हा-ौ]{1,8}`),
		rapid.StringMatching(`[ক-নপ-রলশ-হা-ৄ]{1,8}`),
		rapid.StringMatching(`[ก-ฮะ-ูเ-ไ]{1,8}`),
		rapid.StringMatching(`[က-အာ-ူ]{1,8}`),
		rapid.StringMatching(`[一-龥]{1,4}`),
		rapid.SampledFrom(crowd()),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(word, 1, 5).Draw(t, "words"), " ")
	})
}

// sameKeys compares keys as sets, for the order of words is not kept.
func sameKeys(t *rapid.T, what, a, b string) {
	t.Helper()
	ka, kb := spelling.NameKeys(a), spelling.NameKeys(b)
	for _, k := range ka {
		if !slices.Contains(kb, k) {
			t.Fatalf("%s: %q has %q, %q has %q", what, a, ka, b, kb)
		}
	}
	if len(ka) != len(kb) {
		t.Fatalf("%s: %q has %q, %q has %q", what, a, ka, b, kb)
	}
}

func TestNamesFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := anyName().Draw(t, "name")
		sameKeys(t, "capitals", name, strings.ToUpper(name))
		sameKeys(t, "small letters", name, strings.ToLower(name))
		sameKeys(t, "spaces", name, " \t"+strings.ReplaceAll(name, " ", " \u00a0 \u2003")+"\n")
		var hidden strings.Builder
		for _, r := range name {
			hidden.WriteRune(r)
			hidden.WriteString(rapid.SampledFrom([]string{"", "", "\u200b", "\u200d", "\ufeff", "\u202e", "\u00ad"}).Draw(t, "hidden"))
		}
		sameKeys(t, "invisible signs", name, hidden.String())
		sameKeys(t, "the same again", name, name)
	})
}

func TestAccentsFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-z]{1,10}( [A-Za-z]{1,10}){0,3}`).Draw(t, "name")
		var accented strings.Builder
		for _, r := range name {
			accented.WriteRune(r)
			if r != ' ' {
				accented.WriteString(rapid.SampledFrom([]string{"", "\u0301", "\u0300", "\u0308", "\u0303", "\u030c", "\u0327", "\u0323", "\u0302"}).Draw(t, "accent"))
			}
		}
		sameKeys(t, "accents", name, accented.String())
	})
}

// TestNamesFindThemselves asks for each name as it is written.
func TestNamesFindThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Fields(anyName().Draw(t, "name"))
		words = words[:min(len(words), 6)]
		name := strings.Join(words, " ")
		stored := spelling.NameKeys(name)
		if len(stored) == 0 {
			t.Fatalf("%q has no key", name)
		}
		if asked := spelling.QueryKeys(name); !spelling.Answers(stored, asked) {
			t.Fatalf("%q does not find itself: %q asked %q", name, stored, asked)
		}
	})
}

func TestNoTextIsTooMuch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringN(0, 3000, -1), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		bounded(t, text)
	})
}

type failing interface {
	Helper()
	Fatalf(format string, args ...any)
}

func bounded(t failing, text string) {
	t.Helper()
	names, numbers := spelling.NameKeys(text), spelling.NumberKeys(text)
	addresses, handles := spelling.AddressKeys(text), spelling.HandleKeys(text)
	if len(names) > 12 || len(numbers) > 2 || len(addresses) > 1 || len(handles) > 1 {
		t.Fatalf("%q gives %d name, %d number, %d address and %d handle keys", text, len(names), len(numbers), len(addresses), len(handles))
	}
	asked := spelling.QueryKeys(text)
	if len(asked) > 10 {
		t.Fatalf("%q asks %d parts", text, len(asked))
	}
	all := slices.Concat(names, numbers, addresses, handles)
	for _, part := range asked {
		if len(part) == 0 || len(part) > 48 {
			t.Fatalf("%q asks a part of %d keys", text, len(part))
		}
		all = append(all, part...)
	}
	for _, k := range all {
		if k.Kind == 0 || k.Text == "" || len(k.Text) > 2000 || !utf8.ValidString(k.Text) {
			t.Fatalf("%q gives the key %q", text, k)
		}
	}
}

func FuzzQueryKeys(f *testing.F) {
	for _, p := range same {
		f.Add(p.stored)
		f.Add(p.asked)
	}
	for _, text := range []string{"", " - ", "+212 (0)6 12 34 56 78", "@fox_7", "a@b.example", "https://t.example/fox", "al-", "abd al", "\xff\xfe", "ﷺ", "de la", "عبد ال"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { bounded(t, text) })
}

func BenchmarkNameKeys(b *testing.B) {
	for _, name := range []string{"Zoraida Quispe Tzul", "Inés Núñez Cáceres", "Юлія Ковальчук", "محمد المصري", "সুমিতা দাস"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				spelling.NameKeys(name)
			}
		})
	}
}

func BenchmarkQueryKeys(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		spelling.QueryKeys("Zoraida Quispe Tzul")
	}
}
