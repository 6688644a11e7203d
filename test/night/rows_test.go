package night_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// incidentsFile lies beside the repository on machines that have it.
const incidentsFile = "../../../shared/data/incidents.csv"

// rowCount is how many rows there are, read or made.
const rowCount = 1733

// row is one report of an attack, as it was published: dirt and all.
type row struct {
	ref, date, name, gender, age          string
	characteristics, driver, perpetrator  string
	country, countryNumeric, personsCount string
}

// readRows reads the reports, or makes rows of the same shape where there are none.
func readRows(t *testing.T) []row {
	t.Helper()
	file, err := os.Open(incidentsFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Log("the reports are not on this machine: made rows of their shape")
		return makeRows()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const header = "ref,date,name,gender,age,person_characteristics,industry_driver,perpetrator_type,country,country_numeric,persons"
	if got := strings.Join(records[0], ","); got != header {
		t.Fatalf("the reports have the columns %s, want %s", got, header)
	}
	var rows []row
	for _, r := range records[1:] {
		rows = append(rows, row{r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10]})
	}
	return rows
}

// Invented names: given names and family names by script. Nobody is called so but
// by chance.
var (
	madeGiven = [][]string{
		{"Zoraida", "Édgar", "Ñusta", "Jun-Jun", "Núria", "João", "Nguyễn Thị", "Wílmer"},
		{"Дмитрий", "Олена", "Сабина"},
		{"ফাতেমা", "হোসেন"},
		{"सुनीता", "देवी"},
		{"မြင့်", "ချို"},
		{"สมชาย", "ศรีสุข"},
		{"فاطمة", "رضا"},
	}
	madeFamily = [][]string{
		{"Quispe Tzul", "Da Conceição Brandão", "Çoelho", "Macapagal", "Xiloj Ñamendi", "Oñate", "Trần", "Yaquí"},
		{"Ахметова", "Ковальчук"},
		{"চাকমা", "হোসেন"},
		{"देवी", "गोंड"},
		{"မြင့်", "ချို"},
		{"ศรีสุข", "วงศ์ไทย"},
		{"احمدی", "الكردي"},
	}
	madeCountries = [][2]string{
		{"Brazil", "076"},
		{"Colombia", "170"},
		{"Philippines", "608"},
		{"Bangladesh", "050"},
		{"Myanmar", "104"},
		{"Kazakhstan", "398"},
		{"Iran", "364"},
		{"Thailand", "764"},
		{"India", "356"},
	}
	madePerpetrators = []string{
		"Unspecified", "Hitmen", "Private military actors", "Police", "Armed forces", "Organised crime / mafias",
		"Landowners", "Poachers", "Private security guards", "Government officials/entities", "Corporations",
	}
	madeCharacteristics = []string{"Indigenous peoples", "Small-scale farmer", "Other", "", "Park ranger", "Children"}
	madeDrivers         = []string{"Sector could not be confirmed*", "Mining & Extractives", "Logging", "Hydropower", "Poaching"}
)

// makeRows makes the same rows each time.
func makeRows() []row {
	r := rand.New(rand.NewPCG(2012, 2021))
	var rows []row
	for i := range rowCount {
		country := pick(r, madeCountries)
		rows = append(rows, row{
			ref: fmt.Sprintf("R%04d", i+1), date: fmt.Sprintf("20%02d-%02d-%02d", 12+r.IntN(10), 1+r.IntN(12), 1+r.IntN(28)),
			name: madeName(r), gender: madeGender(r), age: madeAge(r),
			characteristics: pick(r, madeCharacteristics), driver: pick(r, madeDrivers), perpetrator: pick(r, madePerpetrators),
			country: country[0], countryNumeric: country[1], personsCount: madePersons(r),
		})
	}
	return rows
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func madeName(r *rand.Rand) string {
	given, family := 0, 0 // Latin, as nine of ten reports are
	if r.IntN(10) == 0 {
		given, family = r.IntN(len(madeGiven)), r.IntN(len(madeFamily))
	}
	name := pick(r, madeGiven[given]) + " " + pick(r, madeFamily[family])
	switch r.IntN(40) {
	case 0:
		return " " + name
	case 1:
		return name + " "
	case 2:
		return strings.ToUpper(name)
	case 3:
		return "Comunidad " + name
	default:
		return name
	}
}

func madeGender(r *rand.Rand) string {
	switch r.IntN(200) {
	case 0:
		return ""
	case 1:
		return "Unknown"
	default:
		return pick(r, []string{"Male", "Male", "Male", "Female"})
	}
}

func madeAge(r *rand.Rand) string {
	switch n := r.IntN(20); {
	case n < 8:
		return ""
	case n < 9:
		return strconv.Itoa(12 + r.IntN(6))
	default:
		return strconv.Itoa(18 + r.IntN(70))
	}
}

func madePersons(r *rand.Rand) string {
	if r.IntN(50) == 0 {
		return strconv.Itoa(2 + r.IntN(12))
	}
	return "1"
}

// TestMadeRows holds the rows that are made where the reports are absent to the
// dirt that the reports have.
func TestMadeRows(t *testing.T) {
	rows := makeRows()
	seen := map[string]int{}
	names := map[string]bool{}
	for _, r := range rows {
		for _, script := range scriptsOf(r.name) {
			seen[script]++
		}
		for what, holds := range map[string]bool{
			"a name that is borne twice": names[r.name], "no gender": r.gender == "", "gender Unknown": r.gender == "Unknown",
			"no age": r.age == "", "a child": r.age != "" && r.age < "18", "several persons": r.personsCount != "1",
			"stray spaces": r.name != strings.TrimSpace(r.name), "capitals": len(r.name) > 9 && r.name == strings.ToUpper(r.name) && r.name != strings.ToLower(r.name),
			"a collective": isCollective(r.name), "several scripts": len(scriptsOf(r.name)) > 1,
		} {
			if holds {
				seen[what]++
			}
		}
		names[r.name] = true
	}
	if len(rows) != rowCount {
		t.Errorf("made %d rows, want %d", len(rows), rowCount)
	}
	for _, want := range []string{
		"Latin", "Cyrillic", "Bengali", "Devanagari", "Myanmar", "Thai", "Arabic", "a name that is borne twice", "no gender",
		"gender Unknown", "no age", "a child", "several persons", "stray spaces", "capitals", "a collective", "several scripts",
	} {
		if seen[want] == 0 {
			t.Errorf("no row has: %s", want)
		}
	}
}
