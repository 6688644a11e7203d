package texts_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/texts"
)

// go test ./internal/texts -update releases what is new. It never alters or takes
// out what the list has: somebody was told that.
var update = flag.Bool("update", false, "add new texts to testdata/released.txt")

const golden = "testdata/released.txt"

var languages = []string{"ar", "en", "es", "fr"}

// TestReleasedTextsStand compares the texts with the list of the released ones, and
// the files with both.
func TestReleasedTextsStand(t *testing.T) {
	released, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	files, err := os.ReadDir("bodies")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]string{}
	for _, text := range texts.All() {
		there[fmt.Sprintf("%s %d %s", text.ID, text.Version, text.Language)] = fmt.Sprintf("%x", text.Hash)
	}
	if len(there) != len(files) {
		t.Errorf("%d files hold %d texts: the name of one says no id, version and language", len(files), len(there))
	}
	lines := strings.Fields(strings.ReplaceAll(string(released), " ", "\x00"))
	for _, line := range lines {
		fields := strings.Split(line, "\x00")
		name := strings.Join(fields[:3], " ")
		switch hash := there[name]; {
		case hash == "":
			t.Errorf("%s was released, and is gone: put it back", name)
		case hash != fields[3]:
			t.Errorf("%s was released, and has changed: put it back, and make a new version", name)
		}
		delete(there, name)
	}
	if len(there) > 0 && !*update {
		t.Errorf("new: read them, then run with -update: %v", there)
	}
	if len(there) > 0 && *update && !t.Failed() {
		all := strings.Split(strings.TrimSpace(string(released)), "\n")
		for name, hash := range there {
			all = append(all, name+" "+hash)
		}
		slices.Sort(all)
		if err := os.WriteFile(golden, []byte(strings.TrimSpace(strings.Join(all, "\n"))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryVersionSpeaksEveryLanguage: whoever speaks Arabic is told what is told to
// everybody else, and as soon.
func TestEveryVersionSpeaksEveryLanguage(t *testing.T) {
	spoken := map[string]map[uint32][]string{}
	for _, text := range texts.All() {
		if spoken[text.ID] == nil {
			spoken[text.ID] = map[uint32][]string{}
		}
		spoken[text.ID][text.Version] = append(spoken[text.ID][text.Version], text.Language)
	}
	for id, versions := range spoken {
		for number := range uint32(len(versions)) {
			if got := versions[number+1]; !slices.Equal(got, languages) {
				t.Errorf("version %d of %s speaks %v", number+1, id, got)
			}
		}
		if got := texts.Languages(id); !slices.Equal(got, languages) {
			t.Errorf("%s can be read in %v", id, got)
		}
	}
	for _, id := range strings.Fields(`
		consent-release consent-stay consent-referral consent-publicity consent-proceeding consent-urgent
		consent-representative consent-child consent-adolescent consent-caregiver consent-collective withdrawal
		ack-request ack-withdrawal ack-feedback
		refusal-outside-mandate refusal-no-link refusal-not-eligible refusal-no-means refusal-helped-by-others
		refusal-partner-better-placed refusal-resettlement-stream refusal-not-verifiable`) {
		if spoken[id] == nil {
			t.Errorf("there is no %s", id)
		}
	}
}

// unspeakable is what cannot be read aloud, or reads differently from right to left.
var unspeakable = regexp.MustCompile(`[^\p{L}\p{Mn}\n .,:;?¿!'،؛؟\x{a0}-]|[()/\\]`)

// TestTextsArePlain: what stands in a file is what a terminal shows and a voice says.
func TestTextsArePlain(t *testing.T) {
	for _, text := range texts.All() {
		name := text.ID + " " + text.Language
		if !utf8.ValidString(text.Body) || !norm.NFC.IsNormalString(text.Body) {
			t.Errorf("%s is not UTF-8 in NFC", name)
		}
		if found := unspeakable.FindString(text.Body); found != "" {
			t.Errorf("%s holds %q: write it as words", name, found)
		}
		if strings.TrimSpace(text.Body)+"\n" != text.Body || strings.Contains(text.Body, "\n\n\n") {
			t.Errorf("%s does not begin with its first word and end with one line break, or breathes too long", name)
		}
		for line := range strings.Lines(text.Body) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > 72 || strings.TrimSpace(line) != line || strings.Contains(line, "  ") {
				t.Errorf("%s: %q is too long for a line, or holds spaces too many", name, line)
			}
		}
	}
}

// commonWords are found in any text of some length in their language and hardly in
// another.
var commonWords = map[string]string{
	"en": "the you and of to is that us your it what", "fr": "le la les vous tu nous et des pas est ce qui vos",
	"es": "el los y que por no su lo una para puede con", "ar": "من في أن على ما أو أي لا إن شيء",
}

// TestLanguagesAreTheirOwn: the Arabic is in Arabic script and punctuation, and no file
// holds another's words.
func TestLanguagesAreTheirOwn(t *testing.T) {
	bodies := map[string]string{}
	for _, text := range texts.All() {
		name := text.ID + " " + text.Language
		if other := bodies[text.Body]; other != "" {
			t.Errorf("%s and %s are the same", name, other)
		}
		bodies[text.Body] = name
		script, foreign := unicode.Latin, "،؛؟"
		if text.Language == "ar" {
			script, foreign = unicode.Arabic, ",;?"
		}
		for _, r := range text.Body {
			joined := r >= 0xfb50 && r <= 0xfdff || r >= 0xfe70 && r <= 0xfeff || r == 'ـ'
			if unicode.IsLetter(r) && !unicode.Is(script, r) || joined || strings.ContainsRune(foreign, r) {
				t.Errorf("%s holds %q", name, r)
			}
		}
		best, most := "", 0
		for language, common := range commonWords {
			n := 0
			for _, word := range words(strings.ToLower(text.Body)) {
				if slices.Contains(strings.Fields(common), strings.Trim(word, ".,:;?،؛؟")) {
					n++
				}
			}
			if n > most {
				best, most = language, n
			}
		}
		if best != text.Language {
			t.Errorf("%s reads as %q", name, best)
		}
	}
}

func words(text string) []string {
	return slices.DeleteFunc(strings.Fields(text), func(word string) bool { return strings.IndexFunc(word, unicode.IsLetter) < 0 })
}

// What somebody takes in who listens over a bad line, in words: a minute holds some
// hundred and thirty.
var (
	longest = map[amparov1.TextKind]int{
		amparov1.TextKind_TEXT_KIND_CONSENT: 350, amparov1.TextKind_TEXT_KIND_WITHDRAWAL: 240,
		amparov1.TextKind_TEXT_KIND_ACKNOWLEDGEMENT: 160, amparov1.TextKind_TEXT_KIND_REFUSAL: 180,
	}
	longestOf       = map[string]int{"consent-urgent": 79, "consent-child": 260}
	longestSentence = map[bool]int{false: 32, true: 18} // true for a child
)

var sentenceEnd = regexp.MustCompile(`[.?!؟]\s|\n\n`)

// TestTextsAreShort holds each to its length, and its sentences to one breath.
func TestTextsAreShort(t *testing.T) {
	for _, text := range texts.All() {
		limit := longest[text.Kind]
		if own, ok := longestOf[text.ID]; ok {
			limit = own
		}
		if n := len(words(text.Body)); n > limit || n < 20 {
			t.Errorf("%s %s has %d words, at most %d", text.ID, text.Language, n, limit)
		}
		for _, sentence := range sentenceEnd.Split(text.Body, -1) {
			if n := len(words(sentence)); n > longestSentence[text.ID == "consent-child"] {
				t.Errorf("%s %s: %d words in one sentence: %s", text.ID, text.Language, n, sentence)
			}
		}
	}
}

// said is what texts must say: to whom each sentence is owed, and by which words it
// is known in each language.
var said = []struct {
	what           string
	in             string // how the ids begin
	except         string
	en, fr, es, ar string
}{
	{"what is withheld", "consent-", "", "withheld|do not tell", "taire|ne racontez pas", "callar|no lo cuenten", "كتمانه|لا تخبروا"},
	{"no costs nothing", "consent-", "", "no consequence|still help you|go on helping", "aucune conséquence|conséquence sur aucune|aide continue|à t'aider", "ninguna consecuencia|ayudándole|seguimos ayudando", "أي أثر|ونواصل مساعدتك|وسنستمر في مساعدتك"},
	{"may be taken back", "consent-", "", "take it back|take back|change your mind", "retirer|changer d'avis", "retirarlo|cambiar de idea", "سحبها|تغيير رأيك"},
	{"at once", "consent-", "", "at once", "aussitôt|immédiat|tout de suite", "de inmediato|efecto inmediato|enseguida", "فورًا"},
	{"not always called back", "", "consent-publicity ack-request ack-feedback refusal-", "cannot always be called back|cannot make people forget", "toujours être récupéré|récupère pas toujours|faire oublier", "no siempre se (puede )?recupera|la gente olvide", "ليس ممكنًا في كل الأحوال|الناس ينسون"},
	{"how long", "consent-", "", "ninety days|until the stay", "quatre-vingt-dix jours|fin du séjour", "noventa días|terminen la estancia", "تسعين يومًا|تنتهي الإقامة"},
	{"it is recorded", "consent-", "", "keep a record|record your answer|write down", "une trace|notons votre réponse|écrivons", "constancia|Anotamos|Escribimos", "بسجل|نسجل|نكتب"},
	{"see what is sent", "consent-", "consent-urgent", "see what we send|see or hear it|see it first", "voir ce que nous envoyons|voir ou à entendre|le voir avant", "ver lo que enviamos|ver u oír|verlo antes", "الاطلاع على ما سنرسله|رؤية ما سيُنشر|ويمكنك رؤيته"},
	{"correct or erase", "consent-", "consent-urgent", "correct or erase|take it away", "corriger ou de l'effacer|l'effaçons", "corrija o se borre|corrijamos o lo borremos|lo borramos", "تصحيحه أو محوه|نمحوه"},
	{"complain", "consent-", "consent-urgent", "complain|do not like", "plaindre|ne te plaît pas", "queja|no te gusta", "شكوى|لا يعجبك"},
	{"the dangers", "consent-", "consent-urgent", "the dangers that we see|afraid of somebody", "les dangers que nous voyons|te fait peur", "los peligros que vemos|te da miedo", "المخاطر التي نراها|أحد يخيفك"},
	{"own words", "consent-", "consent-urgent", "own words", "mots", "tus palabras|sus palabras", "بكلمات"},
	{"Canada decides", "consent-referral", "", "decision is Canada's alone", "appartient au Canada seul", "decisión es solo de Canadá", "القرار لكندا وحدها"},
	{"cannot be undone", "consent-publicity", "", "cannot be undone", "ne peut pas être annulé", "no se puede deshacer", "لا يمكن التراجع عنه"},
	{"the state learns", "consent-proceeding", "", "state that you complain of will learn", "L'État dont vous vous plaignez l'apprendra", "El Estado del que usted se queja se enterará", "وستعلم بذلك الدولة"},
	{"no secret promised", "consent-child", "", "cannot keep that a secret", "je ne peux pas me taire", "no puedo guardar el secreto", "فلا أستطيع أن أكتم ذلك"},
	{"no secret promised", "consent-adolescent", "", "cannot keep it secret", "je ne peux pas me taire", "no puedo guardar el secreto", "فلا أستطيع كتم الأمر"},
	{"their own word", "consent-collective", "", "nobody can say yes for them", "nul ne peut dire oui à sa place", "nadie puede decir que sí en su lugar", "ولا يستطيع أحد أن يوافق نيابةً عنه"},
	{"no promise", "ack-request", "", "cannot promise", "ne pouvons pas promettre", "No podemos prometer", "لا يمكننا أن نعد"},
	{"fifteen and thirty", "ack-feedback", "", "(?s)fifteen days.*thirty days", "(?s)quinze jours.*trente jours", "(?s)quince días.*treinta días", "(?s)خمسة عشر يومًا.*ثلاثين يومًا"},
	{"not all requests", "refusal-", "", "may not be able to respond to all requests", "puissions pas répondre à toutes", "no podamos responder a todas las solicitudes", "قد لا نتمكن من الاستجابة لجميع الطلبات"},
	{"come back", "refusal-", "", "come back to us|ask us again", "[Rr]evenez vers nous|demander de nouveau", "[Vv]uelva a hablarnos|pedírnoslo otra vez", "بابنا مفتوح|الطلب من جديد"},
	{"sorry", "refusal-", "refusal-partner-better-placed refusal-resettlement-stream", "sorry", "regrettons", "lament", "يؤسفنا"},
}

// TestWhatMustBeSaidIsSaid reads each text for what nobody may leave out.
func TestWhatMustBeSaidIsSaid(t *testing.T) {
	for _, row := range said {
		read := 0
		for _, text := range texts.All() {
			excepted := func(id string) bool { return strings.HasPrefix(text.ID, id) }
			if !strings.HasPrefix(text.ID, row.in) || slices.ContainsFunc(strings.Fields(row.except), excepted) {
				continue
			}
			read++
			pattern := map[string]string{"en": row.en, "fr": row.fr, "es": row.es, "ar": row.ar}[text.Language]
			if !regexp.MustCompile(pattern).MatchString(strings.Join(strings.Fields(text.Body), " ")) {
				t.Errorf("%s %d %s does not say: %s", text.ID, text.Version, text.Language, row.what)
			}
		}
		if read < len(languages) {
			t.Errorf("%s: owed by no text", row.what)
		}
	}
}

// named are organisations that whoever listens in must not hear of.
var named = regexp.MustCompile(`(?i:amparo|protect ?defenders|front ?line|amnist|united nations|nations unies|naciones unidas)|` +
	`\b(RSF|OMCT|FIDH|PEN|UNHCR|HCR|ACNUR|IRCC|ONU|UN|EU|UE)\b|المفوضية|الأمم المتحدة|الاتحاد الأوروبي`)

// gendered are words that would make the person a man or a woman. In Arabic the second
// person does so in the present and the imperative, and in writing in nothing else.
var gendered = map[string]string{
	"fr": `(?i)\b(êtes|serez|soyez|es|seras|sois) (pas )?(prête?|sûre?|certaine?|informée?|obligée?|menacée?|arrivée?|seule?)[ ,.\n]`,
	"es": `(?i)\b(bienvenid[oa]|está[sn]? segur[oa]|informad[oa]|obligad[oa]|amenazad[oa]|dispuest[oa]|presionarl[oa]|ayudarl[oa])[ ,.\n]`,
	"ar": `(^|[ \nوف])(تريد|توافق|ترغب|تود|تفهم|تشعر|تخاف|تثق|تقول|تظن|تفضل|تحتاجين|قل|قولي|أخبرن[اي]|أخبريني)[ ،.؟]`,
}

// TestNobodysSexIsPresumed: whoever reads aloud does not have to mend the text first.
func TestNobodysSexIsPresumed(t *testing.T) {
	for _, text := range texts.All() {
		if pattern := gendered[text.Language]; pattern != "" {
			if found := regexp.MustCompile(pattern).FindString(text.Body); found != "" {
				t.Errorf("%s %s presumes it: %q", text.ID, text.Language, found)
			}
		}
	}
}

func TestNoOrganisationIsNamed(t *testing.T) {
	for _, text := range texts.All() {
		if found := named.FindString(text.Body); found != "" {
			t.Errorf("%s %s names %q", text.ID, text.Language, found)
		}
	}
}

// TestEachReasonHasItsRefusal: a triage that refuses finds the words for it, except
// where nothing is refused and where the triage's own words say why.
func TestEachReasonHasItsRefusal(t *testing.T) {
	ids := map[amparov1.TriageReason]string{}
	for _, text := range texts.All() {
		if (text.Kind == amparov1.TextKind_TEXT_KIND_REFUSAL) != (text.Explains != 0) || ids[text.Explains] != "" && text.Explains != 0 && ids[text.Explains] != text.ID {
			t.Errorf("%s explains %s, as %s does", text.ID, text.Explains, ids[text.Explains])
		}
		ids[text.Explains] = text.ID
	}
	for number := range amparov1.TriageReason_name {
		reason := amparov1.TriageReason(number)
		wordless := reason == amparov1.TriageReason_TRIAGE_REASON_SUBJECT_WISH || reason == amparov1.TriageReason_TRIAGE_REASON_OTHER
		if (ids[reason] == "") != wordless {
			t.Errorf("%s is explained by %q", reason, ids[reason])
		}
	}
}

// TestACorrectionIsReadFromThenOn: the newest version is found, also past the ninth,
// and an older one is still there for whoever was told it.
func TestACorrectionIsReadFromThenOn(t *testing.T) {
	var versions []texts.Text
	for _, version := range []uint32{1, 10, 2, 9} {
		for _, language := range languages {
			versions = append(versions, texts.Text{ID: "consent-release", Version: version, Language: language})
		}
	}
	texts.Sort(versions)
	for asked, want := range map[uint32]uint32{0: 10, 1: 1, 9: 9, 10: 10, 3: 0} {
		if got, _ := texts.FindIn(versions, "consent-release", asked, "es"); got.Version != want {
			t.Errorf("asked for version %d, found %d", asked, got.Version)
		}
	}
}

func TestFind(t *testing.T) {
	for _, row := range []struct {
		id       string
		version  uint32
		language string
		want     string // language found; empty for nothing
	}{
		{"consent-release", 0, "fr", "fr"},
		{"consent-release", 1, "ar", "ar"},
		{"consent-release", 1, "fr-CI", "fr"},
		{"consent-release", 0, "ar-Arab-SY", "ar"},
		{"consent-release", 999, "fr", ""},
		{"consent-release", 0, "de", ""},
		{"consent-release", 0, "f", ""},
		{"consent-release", 0, "fro", ""},
		{"consent-release", 0, "", ""},
		{"consent", 0, "en", ""},
		{"", 0, "en", ""},
	} {
		got, ok := texts.Find(row.id, row.version, row.language)
		if ok != (row.want != "") || got.Language != row.want || ok && (got.ID != row.id || got.Version == 0) {
			t.Errorf("%s %d in %q: %s %d in %q, %v", row.id, row.version, row.language, got.ID, got.Version, got.Language, ok)
		}
	}
	if got := texts.Languages("consent"); len(got) > 0 {
		t.Errorf("what there is not can be read in %v", got)
	}
	texts.All()[0].Body = "changed"
	if texts.All()[0].Body == "changed" {
		t.Error("a caller has changed a text")
	}
}
