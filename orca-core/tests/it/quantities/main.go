// Writes the table that ORCA's quantities are compared with: texts, and what the API's own parser makes of them.
//
//	cd orca-core/tests/it/quantities && go run . > ../quantities.tsv
//
// One line a text: the text quoted as JSON, a tab, and "error" or the value in whole units, in thousandths (m) or in
// billionths (n), whichever is the coarsest that is exact.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand"
	"os"

	"k8s.io/apimachinery/pkg/api/resource"
)

func value(text string) string {
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		return "error"
	}
	nanos, ok := new(big.Rat).SetString(quantity.AsDec().String())
	if !ok {
		panic(text)
	}
	nanos.Mul(nanos, big.NewRat(1_000_000_000, 1))
	if !nanos.IsInt() {
		panic(text)
	}
	whole := nanos.Num()
	for _, unit := range []struct {
		size int64
		name string
	}{{1_000_000_000, ""}, {1_000_000, "m"}} {
		size := big.NewInt(unit.size)
		if new(big.Int).Rem(whole, size).Sign() == 0 {
			return new(big.Int).Quo(whole, size).String() + unit.name
		}
	}
	return whole.String() + "n"
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	seen := map[string]bool{}
	write := func(text string) {
		if seen[text] {
			return
		}
		seen[text] = true
		quoted, err := json.Marshal(text)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(out, "%s\t%s\n", quoted, value(text))
	}
	numbers := []string{
		"", "0", "00", "1", "01", "9", "10", "999", "1000", "1024", "1.5", ".5", "5.", ".", "0.1", "1.1", "0.001",
		"1.0000000001", "0.0000000001", "123456789.987654321", "1.2.3", "1,5", "1_000", "9223372036854775807",
		"9223372036854775808", "18446744073709551616", "99999999999999999999", "0.000000000000000000000000001",
		"1234567890123456789012345678", "NaN", "Inf", "ten", "0x10", "١",
	}
	suffixes := []string{
		"", "n", "u", "m", "k", "K", "M", "G", "T", "P", "E", "Ki", "ki", "Mi", "Gi", "gi", "Ti", "Pi", "Ei", "Zi", "B",
		"GiB", "e0", "e3", "E3", "e-3", "e+3", "E+3", "e", "e+", "e-", "e18", "e-18", "e60", "e-60", "e3i", "em", "mi", " ",
		" m", "e3.5", "e03", "i",
	}
	for _, sign := range []string{"", "-", "+", "--", "+-", " "} {
		for _, number := range numbers {
			for _, suffix := range suffixes {
				// Signs change little: a part of the texts is enough for them.
				if sign != "" && len(number+suffix)%3 != 1 {
					continue
				}
				write(sign + number + suffix)
			}
		}
	}
	random := rand.New(rand.NewSource(1))
	letters := []rune("00112345678999...eEmMnukKGTPi+- ")
	for range 500 {
		text := make([]rune, 1+random.Intn(12))
		for place := range text {
			text[place] = letters[random.Intn(len(letters))]
		}
		write(string(text))
	}
}
